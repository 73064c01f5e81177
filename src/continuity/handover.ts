// How one subject changes arm with its calls of one unit (handoff §§3, 4, 11) as long as sockets are closed and not moved:
// `(state, event) → [state, effects]` in the process that coordinates. Pure.
import type { Arm } from "../kernel/index.ts";

/** A serving process. */
export type ProcessId = number;

/** To the candidate a change may be put off. To control it happens, whatever fails. */
export const isForward = (to: Arm): boolean => to === "candidate";

export interface Settled {
  readonly phase: "settled";
  readonly arm: Arm;
  /** Forward changes put off since the last one that happened. */
  readonly failures: number;
  /** Monotonic ms before which a forward change is not tried again. */
  readonly notBeforeMs: number;
  /** Of the last one put off; null: none since the last that happened. */
  readonly putOff: PutOff | null;
}

/**
 * settling   calls go to `from`; what is open there ends
 * holding    new calls wait, sockets are closed
 * carrying   nothing is under way anywhere; the data follows
 */
export interface Changing {
  readonly phase: "settling" | "holding" | "carrying";
  readonly from: Arm;
  readonly to: Arm;
  readonly round: number;
  readonly processes: readonly ProcessId[];
  /** Those that are still to answer this phase. */
  readonly waitingFor: readonly ProcessId[];
  readonly deadlineMs: number;
  /** Its time was over, or `from` is gone: without waiting for what is open there. */
  readonly isForced: boolean;
  readonly failures: number;
}

export type Handover = Settled | Changing;

export type HandoverEvent =
  /** The decision in force. */
  | {
      readonly type: "wanted";
      readonly to: Arm;
      /** Everything of the subject has been at `to` once. */
      readonly isMovable: boolean;
      readonly isFromUp: boolean;
      readonly processes: readonly ProcessId[];
      /** Greater than any before. */
      readonly round: number;
    }
  | { readonly type: "quiet" | "held"; readonly round: number; readonly process: ProcessId }
  | { readonly type: "carried" | "carryFailed"; readonly round: number }
  /** `processGone`: what it had open has ended with it. `processJoined`: it has nothing open yet. */
  | { readonly type: "processGone" | "processJoined"; readonly process: ProcessId }
  | { readonly type: "deadline" };

export const PUT_OFFS = ["not-copied", "busy", "carry-failed", "withdrawn"] as const;
export type PutOff = (typeof PUT_OFFS)[number];

export type HandoverEffect =
  | { readonly type: "settle"; readonly round: number; readonly from: Arm; readonly deadlineMs: number }
  | {
      readonly type: "hold";
      readonly round: number;
      readonly to: Arm;
      readonly isForced: boolean;
      readonly deadlineMs: number;
    }
  | { readonly type: "carry"; readonly round: number; readonly from: Arm; readonly deadlineMs: number }
  /** The seat is at `arm` from now on. `isBehind`: without all that `from` had. */
  | { readonly type: "commit"; readonly arm: Arm; readonly isForced: boolean; readonly isBehind: boolean }
  | { readonly type: "putOff"; readonly why: PutOff; readonly arm: Arm; readonly stayMs: number }
  | { readonly type: "copy"; readonly from: Arm };

export type HandoverStep = readonly [Handover, readonly HandoverEffect[]];

/** handoff §11. */
const SETTLE_MS = { forward: 15_000, back: 75_000 } as const;
/** Of both together calls wait: less than the 5 s that they may (handoff §11). */
const HOLD_MS = 2_000;
export const CARRY_MS = 2_000;
/** handoff §10. */
const DWELL_MS = [5_000, 30_000, 60_000] as const;

const NOTHING: readonly HandoverEffect[] = [];

export const settledOn = (arm: Arm): Settled => ({
  phase: "settled",
  arm,
  failures: 0,
  notBeforeMs: Number.NEGATIVE_INFINITY,
  putOff: null,
});

/** @param nowMs monotonic */
export function reduceHandover(state: Handover, event: HandoverEvent, nowMs: number): HandoverStep {
  if (event.type === "wanted")
    return state.phase === "settled" ? begin(state, event, nowMs) : again(state, event, nowMs);
  if (state.phase === "settled") return [state, NOTHING];
  switch (event.type) {
    case "quiet":
      return state.phase === "settling" && event.round === state.round
        ? answered(state, event.process, nowMs)
        : [state, NOTHING];
    case "held":
      return state.phase === "holding" && event.round === state.round
        ? answered(state, event.process, nowMs)
        : [state, NOTHING];
    case "processGone":
      return answered({ ...state, processes: without(state.processes, event.process) }, event.process, nowMs);
    case "processJoined":
      return [{ ...state, processes: [...state.processes, event.process] }, NOTHING];
    case "carried":
      return state.phase === "carrying" && event.round === state.round ? commit(state, false) : [state, NOTHING];
    case "carryFailed":
      return state.phase === "carrying" && event.round === state.round
        ? uncarried(state, "carry-failed", nowMs)
        : [state, NOTHING];
    case "deadline":
      return nowMs < state.deadlineMs ? [state, NOTHING] : late(state, nowMs);
  }
}

type Wanted = Extract<HandoverEvent, { type: "wanted" }>;

function begin(state: Settled, event: Wanted, nowMs: number): HandoverStep {
  const { to, processes, round } = event;
  // Decided back: what was put off is over.
  if (to === state.arm) return [state.failures === 0 ? state : settledOn(state.arm), NOTHING];
  if (isForward(to)) {
    if (nowMs < state.notBeforeMs) return [state, NOTHING];
    if (!event.isMovable) {
      const [next, effects] = putOff(state.arm, "not-copied", state.failures, nowMs);
      return [next, [...effects, { type: "copy", from: state.arm }]];
    }
  }
  const { arm: from, failures } = state;
  const base = { from, to, round, processes, failures } as const;
  // An arm that is gone ends nothing any more.
  if (!isForward(to) && !event.isFromUp) return hold({ ...base, isForced: true }, nowMs);
  const deadlineMs = nowMs + (isForward(to) ? SETTLE_MS.forward : SETTLE_MS.back);
  const effects: readonly HandoverEffect[] = [{ type: "settle", round, from, deadlineMs }];
  const settling: Changing = { ...base, phase: "settling", waitingFor: processes, deadlineMs, isForced: false };
  return processes.length > 0 ? [settling, effects] : after(effects, hold({ ...base, isForced: false }, nowMs));
}

/** A newer decision before the commit takes the change back; another one begins from there (handoff M2). */
function again(state: Changing, event: Wanted, nowMs: number): HandoverStep {
  if (event.to === state.from) return putOff(state.from, "withdrawn", -1, nowMs);
  const isLost = !isForward(state.to) && !event.isFromUp && state.phase === "settling";
  return isLost ? hold({ ...state, isForced: true }, nowMs) : [state, NOTHING];
}

type Under = Pick<Changing, "from" | "to" | "round" | "processes" | "failures" | "isForced">;

function hold(under: Under, nowMs: number): HandoverStep {
  const { to, round, isForced, processes } = under;
  const deadlineMs = nowMs + HOLD_MS;
  const effects: readonly HandoverEffect[] = [{ type: "hold", round, to, isForced, deadlineMs }];
  const holding: Changing = { ...under, phase: "holding", waitingFor: processes, deadlineMs };
  return processes.length > 0 ? [holding, effects] : after(effects, carry(under, nowMs));
}

function carry(under: Under, nowMs: number): HandoverStep {
  const deadlineMs = nowMs + CARRY_MS;
  return [
    { ...under, phase: "carrying", waitingFor: [], deadlineMs },
    [{ type: "carry", round: under.round, from: under.from, deadlineMs }],
  ];
}

function answered(state: Changing, process: ProcessId, nowMs: number): HandoverStep {
  if (!state.waitingFor.includes(process)) return [state, NOTHING];
  const waitingFor = without(state.waitingFor, process);
  if (waitingFor.length > 0) return [{ ...state, waitingFor }, NOTHING];
  return state.phase === "settling" ? hold(state, nowMs) : carry(state, nowMs);
}

function late(state: Changing, nowMs: number): HandoverStep {
  if (state.phase === "carrying") return uncarried(state, "carry-failed", nowMs);
  if (isForward(state.to)) return putOff(state.from, "busy", state.failures, nowMs);
  // Back: without waiting any longer; what is still open ends where it began, and its rows follow (handoff §11).
  const forced = { ...state, isForced: true };
  return state.phase === "settling" ? hold(forced, nowMs) : carry(forced, nowMs);
}

/** A user without service is worse than a late row: back goes on without (handoff §3). */
function uncarried(state: Changing, why: PutOff, nowMs: number): HandoverStep {
  return isForward(state.to) ? putOff(state.from, why, state.failures, nowMs) : commit(state, true);
}

const commit = ({ to, isForced }: Changing, isBehind: boolean): HandoverStep => [
  settledOn(to),
  [{ type: "commit", arm: to, isForced, isBehind }],
];

/** `failures`: before this one; −1: it does not count. */
function putOff(arm: Arm, why: PutOff, failures: number, nowMs: number): HandoverStep {
  const stayMs = failures < 0 ? 0 : (DWELL_MS[Math.min(failures, DWELL_MS.length - 1)] as number);
  const next: Settled =
    failures < 0
      ? settledOn(arm)
      : { phase: "settled", arm, failures: failures + 1, notBeforeMs: nowMs + stayMs, putOff: why };
  return [next, [{ type: "putOff", why, arm, stayMs }]];
}

const after = (first: readonly HandoverEffect[], [state, effects]: HandoverStep): HandoverStep => [
  state,
  [...first, ...effects],
];

const without = (processes: readonly ProcessId[], process: ProcessId): readonly ProcessId[] =>
  processes.filter((one) => one !== process);
