import { LRUCache } from "lru-cache";
import pino, { type DestinationStream } from "pino";
import { createSubjectHash } from "../kernel/index.ts";
import type { ExchangeLine, ProxyLog } from "./ports.ts";

export interface PinoLogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** Key of the subjects' hash: the same over all processes of an installation (security D2). */
  readonly subjectKey: Uint8Array;
  readonly destination?: DestinationStream;
}

/** Lines are written in blocks; one that waits is seen after this long at the latest. */
const FLUSH_MS = 250;
const BLOCK_CHARS = 16_384;
const REPEAT_MS = 60_000;
/** Event types are literals of the code; this bounds the memory all the same. */
const TYPES_MAX = 200;

/**
 * One JSON line per served exchange or event (ux.md §7). Subjects appear as a keyed hash; bodies, tokens and query
 * strings never come near it. A warning that repeats is one line a minute with a count.
 */
export function createPinoLog(options: PinoLogOptions): ProxyLog & { flush(): void } {
  const destination =
    options.destination ?? pino.destination({ fd: 1, sync: false, minLength: 4_096, maxWrite: 65_536 });
  const log = pino({ level: options.level, base: null, formatters: { level: (level) => ({ level }) } }, destination);
  const hash = rememberHash(createSubjectHash(options.subjectKey));
  const repeats = new Map<string, { sinceMs: number; count: number }>();
  const isRepeat = (type: string): number | null => {
    const nowMs = performance.now();
    const seen = repeats.get(type);
    if (seen && nowMs - seen.sinceMs < REPEAT_MS) {
      seen.count++;
      return null;
    }
    if (repeats.size < TYPES_MAX) repeats.set(type, { sinceMs: nowMs, count: 0 });
    return seen?.count ?? 0;
  };
  const flushing = destination as { flush?: () => void; flushSync?: () => void };
  let waiting = "";
  const writeWaiting = (): void => {
    if (waiting === "") return;
    destination.write(waiting);
    waiting = "";
  };
  const timer = setInterval(() => {
    writeWaiting();
    flushing.flush?.();
  }, FLUSH_MS);
  timer.unref();
  return {
    exchange(line) {
      if (!log.isLevelEnabled("info")) return;
      const subject = line.subject === null ? null : hash(line.subject);
      waiting += exchangeLine(line, subject, Date.now());
      if (waiting.length >= BLOCK_CHARS) writeWaiting();
    },
    event(type, fields, level = "info") {
      const isNoisy = level !== "info" || type === "route.unmatched";
      const repeated = isNoisy ? isRepeat(`${type}:${fields["arm"] ?? fields["nearest"] ?? ""}`) : 0;
      if (repeated === null) return;
      writeWaiting(); // lines keep their order
      log[level]({ event: type, ...fields, ...(repeated > 0 ? { repeated } : {}) }, type);
    },
    flush() {
      clearInterval(timer);
      writeWaiting();
      flushing.flushSync?.();
    },
  };
}

/**
 * The line of a call, put together by hand in the shape the library gives events: on the hot path its serialiser costs
 * more than the decision (bench, rest). Everything free that enters it is escaped; route, unit and codes are ours.
 */
export function exchangeLine(line: ExchangeLine, subject: string | null, nowMs: number): string {
  const durationMs = Math.round(line.durationMs * 1_000) / 1_000;
  const trace = line.traceId === null ? "" : `,"traceId":${JSON.stringify(line.traceId)}`;
  const code = line.code === null ? "" : `,"code":"${line.code}"`;
  const slow = line.isSlow ? ',"slow":true' : "";
  const decided =
    line.arm === null
      ? ""
      : `,"unit":${quoted(line.unit)},"subject":${subject === null ? "null" : `"${subject}"`},"arm":"${line.arm}","reason":"${line.reason}"`;
  return (
    `{"level":"info","time":${nowMs},"event":"exchange","requestId":${JSON.stringify(line.requestId)}${trace}` +
    `,"method":${quoted(line.method)},"route":${quoted(line.route)},"role":"served"${decided}` +
    `,"status":${line.status},"outcome":"${line.outcome}","durationMs":${durationMs}${slow}${code},"msg":"exchange"}\n`
  );
}

const QUOTES_MAX = 5_000;
const quotes = new Map<string, string>();

/** Routes, units, methods and hashes repeat; their quoted form is remembered, bounded. */
function quoted(text: string | null): string {
  if (text === null) return "null";
  const known = quotes.get(text);
  if (known !== undefined) return known;
  const made = JSON.stringify(text);
  if (quotes.size < QUOTES_MAX) quotes.set(text, made);
  return made;
}

const SUBJECTS_MAX = 20_000;

/** The keyed hash costs more than the rest of a line; a subject that talks is hashed once. */
function rememberHash(hash: (subject: string) => string): (subject: string) => string {
  const known = new LRUCache<string, string>({ max: SUBJECTS_MAX });
  return (subject) => {
    let hashed = known.get(subject);
    if (hashed === undefined) {
      hashed = hash(subject);
      known.set(subject, hashed);
    }
    return hashed;
  };
}
