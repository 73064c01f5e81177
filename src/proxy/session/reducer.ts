import type { Arm } from "../../kernel/index.ts";
import type { Frame, TurnCodec } from "../ports.ts";

/**
 * One client socket and its leg to an arm: `(state, event) → [state, effects]` (handoff.md §5), with the phases that
 * are needed while sockets do not move. Pure; the runner does the I/O.
 *
 * live       both sides open, frames pass
 * leaving    the socket will be closed 1012: its decision changed, its leg was lost, or the proxy stops
 * closing    a close was sent to the client
 * closed     nothing is left
 */
export type Phase = "live" | "leaving" | "closing" | "closed";

export interface SessionState {
  readonly phase: Phase;
  /** Generation of the leg; events of another one are stale and ignored (handoff.md G1). */
  readonly gen: number;
  readonly arm: Arm;
  /** null: no codec, or it threw and is off for this session (security X7). */
  readonly codec: TurnCodec | null;
  readonly codecState: unknown;
  readonly isLegOpen: boolean;
  readonly leave: Leave | null;
}

export interface Leave {
  readonly cause: "decision" | "leg-lost" | "drain";
  /** Its moment has come: it goes as soon as no turn is open, and takes no new turn. */
  readonly isDue: boolean;
}

export type SessionEvent =
  | { readonly type: "client-frame"; readonly frame: Frame }
  | { readonly type: "arm-frame"; readonly gen: number; readonly frame: Frame }
  | { readonly type: "client-closed"; readonly code: number; readonly reason: string }
  | {
      readonly type: "arm-closed";
      readonly gen: number;
      readonly code: number;
      readonly reason: string;
      readonly delayMs: number;
    }
  | { readonly type: "decided"; readonly arm: Arm; readonly delayMs: number; readonly capMs: number }
  | { readonly type: "drain"; readonly delayMs: number; readonly capMs: number }
  | { readonly type: "leave-due" }
  | { readonly type: "leave-cap" }
  /** A limit of ours was passed, or a side is gone without a word (security X1–X6). */
  | { readonly type: "limit"; readonly code: number; readonly reason: string };

export type Effect =
  | { readonly type: "to-arm" }
  | { readonly type: "to-client" }
  | { readonly type: "close-client"; readonly code: number | null; readonly reason: string }
  /** `code` null: without one, as the client did it. */
  | { readonly type: "close-arm"; readonly code: number | null; readonly reason: string }
  | { readonly type: "timer"; readonly name: "leave-due" | "leave-cap"; readonly ms: number }
  | { readonly type: "cancel-timers" }
  | { readonly type: "pause-client" }
  | { readonly type: "dropped"; readonly reason: DropReason }
  | { readonly type: "stale" }
  | { readonly type: "codec-off" };

/** Labels of `switchyard_socket_frames_dropped_total`. */
export type DropReason = "leaving" | "leg_lost" | "closing";

export type Step = readonly [SessionState, readonly Effect[]];

export const RETRY_CODE = 1012;
export const RETRY_REASON = "handoff:retry";
/** To the arm: this session goes on elsewhere; no idle timer, no end-of-session work (contract tutor §9). */
const HANDOFF = { type: "close-arm", code: 4001, reason: "handoff" } as const;

// The same few effect lists serve every frame: nothing is allocated on the way of a message.
const NOTHING: readonly Effect[] = [];
const TO_ARM: readonly Effect[] = [{ type: "to-arm" }];
const TO_CLIENT: readonly Effect[] = [{ type: "to-client" }];
const STALE: readonly Effect[] = [{ type: "stale" }];
const DROPPED_LEAVING: readonly Effect[] = [{ type: "dropped", reason: "leaving" }];
const DROPPED_LOST: readonly Effect[] = [{ type: "dropped", reason: "leg_lost" }];
const DROPPED_CLOSING: readonly Effect[] = [{ type: "dropped", reason: "closing" }];
const CANCEL = { type: "cancel-timers" } as const;

/** A codec that throws here is off from the beginning: the state's `codec` is null then. */
export function startSession(arm: Arm, codec: TurnCodec | null): SessionState {
  const started = { phase: "live", gen: 1, arm, codec, codecState: undefined, isLegOpen: true, leave: null } as const;
  try {
    return { ...started, codecState: codec?.start() };
  } catch {
    return { ...started, codec: null };
  }
}

export function step(state: SessionState, event: SessionEvent): Step {
  try {
    return react(state, event);
  } catch (error) {
    if (state.codec === null) throw error;
    return reactWithoutCodec(state, event);
  }
}

/** Security X7: whichever of its functions threw, the codec is off and the same event is handled as if it were raw. */
function reactWithoutCodec(before: SessionState, event: SessionEvent): Step {
  const [state, effects] = react({ ...before, codec: null, codecState: undefined }, event);
  const off: readonly Effect[] = [{ type: "codec-off" }, ...effects];
  // What it was waiting for, the end of a turn, nobody can tell any more.
  if (state.phase !== "leaving" || !state.leave?.isDue) return [state, off];
  const [closing, more] = closeForRetry(state);
  return [closing, [...off, ...more]];
}

function react(state: SessionState, event: SessionEvent): Step {
  switch (event.type) {
    case "client-frame":
      return onClientFrame(state, event.frame);
    case "arm-frame":
      return event.gen === state.gen ? onArmFrame(state, event.frame) : [state, STALE];
    case "client-closed":
      return onClientClosed(state, event.code, event.reason);
    case "arm-closed":
      return event.gen === state.gen ? onArmClosed(state, event) : [state, STALE];
    case "decided":
      return onDecided(state, event);
    case "drain":
      return state.phase === "live" || state.phase === "leaving"
        ? beginLeave(state, "drain", event.delayMs, event.capMs)
        : [state, NOTHING];
    case "leave-due":
      return onLeaveDue(state);
    case "leave-cap":
      return state.phase === "leaving" ? closeForRetry(state) : [state, NOTHING];
    case "limit":
      return onLimit(state, event.code, event.reason);
  }
}

function onClientFrame(state: SessionState, frame: Frame): Step {
  if (state.phase === "closing" || state.phase === "closed") return [state, DROPPED_CLOSING];
  if (!state.isLegOpen) return [state, DROPPED_LOST];
  const { codec } = state;
  if (codec === null) return [state, TO_ARM];
  const before = state.codecState;
  const read = codec.fromClient(before, frame);
  // A turn that would begin now belongs to the next connection; it never reaches the arm that is being left.
  if (state.leave?.isDue && read[1] === "turn") return [state, DROPPED_LEAVING];
  return [read[0] === before ? state : { ...state, codecState: read[0] }, TO_ARM];
}

function onArmFrame(state: SessionState, frame: Frame): Step {
  if (state.phase === "closing" || state.phase === "closed") return [state, DROPPED_CLOSING];
  const { codec } = state;
  if (codec === null) return [state, TO_CLIENT];
  const before = state.codecState;
  const read = codec.fromArm(before, frame);
  const next = read[0] === before ? state : { ...state, codecState: read[0] };
  if (!next.leave?.isDue || openTurns(next) > 0) return [next, TO_CLIENT];
  const [closing, effects] = closeForRetry(next);
  return [closing, [...TO_CLIENT, ...effects]];
}

const openTurns = (state: SessionState): number => state.codec?.openTurns(state.codecState) ?? 0;

function onClientClosed(state: SessionState, code: number, reason: string): Step {
  if (state.phase === "closed") return [state, NOTHING];
  const effects: Effect[] = [CANCEL];
  if (state.isLegOpen) effects.push({ type: "close-arm", ...codeForArm(code, reason) });
  return [{ ...state, phase: "closed", isLegOpen: false, leave: null }, effects];
}

/** Reserved codes are never sent (RFC 6455 §7.4.1, security X4). */
const isSendable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999);

/** handoff.md §8 "client gone": the arm gets what it would get without a proxy; 1001 for a client that just vanished. */
function codeForArm(code: number, reason: string): { code: number | null; reason: string } {
  if (code === 1005) return { code: null, reason: "" };
  return isSendable(code) ? { code, reason } : { code: 1001, reason: "" };
}

type ArmClosed = Extract<SessionEvent, { type: "arm-closed" }>;

function onArmClosed(state: SessionState, event: ArmClosed): Step {
  if (state.phase === "closing" || state.phase === "closed") return [{ ...state, isLegOpen: false }, NOTHING];
  const { code, reason } = event;
  const lost: SessionState = { ...state, isLegOpen: false };
  if (code === 1005) return close(lost, null, "");
  if (isIntendedClose(state, code, reason)) return close(lost, code, reason);
  if (state.phase === "leaving") return lostWhileLeaving(lost);
  // The leg was lost. Re-attaching comes with moves; until then the client is asked to come again, not all at once.
  const [leaving, effects] = beginLeave(lost, "leg-lost", event.delayMs, event.delayMs);
  return [leaving, [{ type: "pause-client" }, ...effects]];
}

/** It goes anyway, at its own moment and within its own cap: a drain must not outlast its time for a lost leg. */
function lostWhileLeaving(lost: SessionState): Step {
  if (lost.leave === null || lost.leave.isDue) return closeForRetry(lost);
  // Without its leg it cannot stay, even when its decision comes back.
  const cause = lost.leave.cause === "decision" ? "leg-lost" : lost.leave.cause;
  return [{ ...lost, leave: { ...lost.leave, cause } }, [{ type: "pause-client" }]];
}

/** What the application meant is passed on (handoff.md §8, first row); its codec knows best. */
function isIntendedClose(state: SessionState, code: number, reason: string): boolean {
  if (!isSendable(code)) return false;
  if (state.codec === null) return INTENDED_ANYWAY.has(code) || (code >= 4000 && code <= 4999);
  return state.codec.isIntended(state.codecState, { code, reason });
}

/** Codes that mean the same behind a proxy as without one. */
const INTENDED_ANYWAY = new Set([1000, 1003, 1007, 1008, 1009]);

type Decided = Extract<SessionEvent, { type: "decided" }>;

function onDecided(state: SessionState, event: Decided): Step {
  if (state.phase === "live") {
    if (event.arm === state.arm) return [state, NOTHING];
    return beginLeave(state, "decision", event.delayMs, event.capMs);
  }
  // Decided back before it left: it stays where it is.
  if (state.phase === "leaving" && state.leave?.cause === "decision" && event.arm === state.arm) {
    return [{ ...state, phase: "live", leave: null }, [CANCEL]];
  }
  return [state, NOTHING];
}

function beginLeave(state: SessionState, cause: Leave["cause"], delayMs: number, capMs: number): Step {
  const effects: Effect[] = [
    CANCEL,
    { type: "timer", name: "leave-due", ms: delayMs },
    { type: "timer", name: "leave-cap", ms: Math.max(delayMs, capMs) },
  ];
  return [{ ...state, phase: "leaving", leave: { cause, isDue: false } }, effects];
}

function onLeaveDue(state: SessionState): Step {
  if (state.phase !== "leaving" || state.leave === null) return [state, NOTHING];
  if (!state.isLegOpen || openTurns(state) === 0) return closeForRetry(state);
  return [{ ...state, leave: { ...state.leave, isDue: true } }, NOTHING];
}

function closeForRetry(state: SessionState): Step {
  const [closing, effects] = close(state, RETRY_CODE, RETRY_REASON);
  if (!state.isLegOpen) return [closing, effects];
  const left: SessionState = { ...closing, isLegOpen: false };
  const leg: Effect = state.leave?.cause === "decision" ? HANDOFF : { type: "close-arm", code: 1001, reason: "" };
  return [left, [...effects, leg]];
}

function close(state: SessionState, code: number | null, reason: string): Step {
  return [{ ...state, phase: "closing", leave: null }, [CANCEL, { type: "close-client", code, reason }]];
}

function onLimit(state: SessionState, code: number, reason: string): Step {
  if (state.phase === "closing" || state.phase === "closed") return [state, NOTHING];
  const [closing, effects] = close(state, code, reason);
  if (!state.isLegOpen) return [closing, effects];
  return [{ ...closing, isLegOpen: false }, [...effects, { type: "close-arm", code: 1001, reason: "" }]];
}
