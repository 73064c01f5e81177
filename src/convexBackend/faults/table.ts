// The switchable faults of faults.md §2 that have a place in this service, with where they act by default.

export const SCOPED = ["rest", "tutor", "whiteboard", "process"] as const;
export type Place = (typeof SCOPED)[number];

const REST_AND_TUTOR: readonly Place[] = ["rest", "tutor"];
const SOCKETS: readonly Place[] = ["tutor", "whiteboard"];
const ALL: readonly Place[] = ["rest", "tutor", "whiteboard"];

export const FAULTS = {
  "wrong-status": ["rest"],
  "wrong-error-code": REST_AND_TUTOR,
  "missing-field": REST_AND_TUTOR,
  "extra-field": REST_AND_TUTOR,
  "leak-field": ["rest"],
  "null-field": REST_AND_TUTOR,
  "absent-null": REST_AND_TUTOR,
  "type-change": REST_AND_TUTOR,
  "value-change": REST_AND_TUTOR,
  "time-format": REST_AND_TUTOR,
  "reorder-array": REST_AND_TUTOR,
  "truncate-list": ["rest"],
  "garble-json": REST_AND_TUTOR,
  "drop-frame": SOCKETS,
  "dup-frame": SOCKETS,
  "reorder-frames": SOCKETS,
  "extra-frame": SOCKETS,
  "drop-inbound": SOCKETS,
  "delta-mismatch": ["tutor"],
  "lost-yjs-update": ["whiteboard"],
  "unsaved-yjs-update": ["whiteboard"],
  "corrupt-yjs": ["whiteboard"],
  "echo-yjs": ["whiteboard"],
  "slow-reply": ALL,
  "slow-model": ["tutor"],
  hang: ALL,
  "http-5xx": ["rest"],
  "late-5xx": ["rest"],
  reset: ALL,
  "refuse-handshake": SOCKETS,
  "close-1011": SOCKETS,
  "half-open": SOCKETS,
  "accept-close": SOCKETS,
  crash: ["process", ...ALL],
  "crash-mid-turn": ["tutor"],
  "mem-growth": ["process", ...ALL],
  "cpu-burn": ["process", ...ALL],
  "not-ready": ["process"],
  "ready-lies": ["process"],
  "lost-write": REST_AND_TUTOR,
  "stale-read": ["rest"],
  "double-effect": REST_AND_TUTOR,
  "skip-ownership": ALL,
  "token-reject": ALL,
  "token-accept": ALL,
  "prompt-change": ["tutor"],
  "extra-model-call": ["tutor"],
  "wrong-tool": ["tutor"],
  "float-text": REST_AND_TUTOR,
  "clock-skew": ["process"],
  "id-random": REST_AND_TUTOR,
} as const satisfies Record<string, readonly Place[]>;

export type FaultName = keyof typeof FAULTS;

export const isFaultName = (text: string): text is FaultName => Object.hasOwn(FAULTS, text);

/** Where a fault may be asked for beyond its places: scope words that are no route id. */
export const SCOPE_WORDS: ReadonlySet<string> = new Set([
  "tutor",
  "whiteboard",
  "realtime",
  "conversations",
  "chat",
  "rest",
  "all",
]);
