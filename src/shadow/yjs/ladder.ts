// When the two documents of a pair are checked, and what a check means for the pair (shadow §11). Pure: the pair holds the
// documents and does what is said here.
import type { Verdict } from "../verdict.ts";
import { type DocumentVerdict, SETTLE_MS } from "./checkDocuments.ts";

/** Y3. The frames are those of one leg: each edit is one frame on every one of them. */
const QUIET_MS = 2_000;
const CHECK_FRAMES = 500;
const CHECK_MS = 60_000;
/** A check makes one state of what has gathered: of one leg, of all. */
const CHECK_LEG_BYTES = 8 * 1_048_576;
const CHECK_BYTES = 32 * 1_048_576;

/** `lost`: a bound was hit, nothing more is said of it. `diverged`, `lost`: for as long as the document is open (J4). */
export const LADDER_PHASES = ["converged", "lagging", "diverged", "lost"] as const;
export type LadderPhase = (typeof LADDER_PHASES)[number];

/** What has come on one leg of a socket since the newest check. */
export interface LegCount {
  readonly frames: number;
  readonly bytes: number;
}

export interface DocumentLadder {
  readonly phase: LadderPhase;
  readonly lastFrameAtMs: number;
  /** Frames and bytes that no check has seen yet. */
  readonly frames: number;
  readonly bytes: number;
  /** The most of these that one leg has. */
  readonly leg: LegCount;
  readonly firstFrameAtMs: number;
  readonly lastCheckAtMs: number;
  /** Nobody has it open any more. */
  readonly isEmpty: boolean;
  /** Of the newest check; its answer carries it. */
  readonly check: number;
  readonly isChecking: boolean;
}

export type LadderEvent =
  | { readonly type: "frame"; readonly atMs: number; readonly bytes: number; readonly leg: LegCount }
  /** The last socket of both arms has left. */
  | { readonly type: "empty"; readonly atMs: number }
  | { readonly type: "tick"; readonly atMs: number }
  /** It has more sockets than are followed. */
  | { readonly type: "refused"; readonly atMs: number }
  | { readonly type: "checked"; readonly atMs: number; readonly check: number; readonly verdict: DocumentVerdict };

export type LadderEffect =
  | { readonly do: "check"; readonly check: number }
  /** Closes the comparison that the first frame since the last verdict has opened. */
  | { readonly do: "verdict"; readonly verdict: Verdict }
  /** What is held of the documents is needed no more. */
  | { readonly do: "drop" }
  /** Nobody has it open and everything is said. */
  | { readonly do: "end" };

type Step = readonly [state: DocumentLadder, effects: readonly LadderEffect[]];

const NOTHING: LegCount = { frames: 0, bytes: 0 };

export const startLadder = (atMs: number): DocumentLadder => ({
  phase: "converged",
  lastFrameAtMs: atMs,
  frames: 0,
  bytes: 0,
  leg: NOTHING,
  firstFrameAtMs: atMs,
  lastCheckAtMs: atMs,
  isEmpty: false,
  check: 0,
  isChecking: false,
});

export const isOver = ({ phase }: DocumentLadder): boolean => phase === "diverged" || phase === "lost";

export function stepLadder(state: DocumentLadder, event: LadderEvent): Step {
  switch (event.type) {
    case "frame":
      return isOver(state) ? [{ ...state, isEmpty: false }, []] : checkIfDue(withFrame(state, event), event.atMs);
    case "empty":
      return afterLastLeave({ ...state, isEmpty: true });
    case "tick":
      return checkIfDue(state, event.atMs);
    case "refused":
      if (isOver(state)) return [state, []];
      return [{ ...state, phase: "lost", isChecking: false }, [{ do: "verdict", verdict: REFUSED }, { do: "drop" }]];
    case "checked":
      return state.isChecking && event.check === state.check ? afterCheck(state, event) : [state, []];
  }
}

const REFUSED = { name: "not_compared", reason: "budget" } as const;

function afterLastLeave(state: DocumentLadder): Step {
  const isSaid = isOver(state) || (state.phase === "converged" && state.frames === 0 && !state.isChecking);
  return isSaid ? [state, [{ do: "end" }]] : startCheck(state);
}

function withFrame(
  state: DocumentLadder,
  { atMs, bytes, leg }: Extract<LadderEvent, { type: "frame" }>,
): DocumentLadder {
  return {
    ...state,
    lastFrameAtMs: Math.max(atMs, state.lastFrameAtMs),
    frames: state.frames + 1,
    bytes: state.bytes + bytes,
    leg: { frames: Math.max(state.leg.frames, leg.frames), bytes: Math.max(state.leg.bytes, leg.bytes) },
    firstFrameAtMs: state.frames === 0 ? atMs : state.firstFrameAtMs,
    isEmpty: false,
  };
}

/** When to look again; null: after the next frame. */
export function dueAtMs(state: DocumentLadder): number | null {
  if (isOver(state) || state.isChecking) return null;
  const { leg } = state;
  const isFull = leg.frames >= CHECK_FRAMES || leg.bytes >= CHECK_LEG_BYTES || state.bytes >= CHECK_BYTES;
  if (isFull) return state.lastFrameAtMs;
  const due: number[] = [];
  if (state.frames > 0) due.push(state.lastFrameAtMs + QUIET_MS, state.firstFrameAtMs + CHECK_MS);
  if (state.phase === "lagging") {
    const settledAtMs = state.lastFrameAtMs + SETTLE_MS;
    due.push(state.lastCheckAtMs < settledAtMs ? settledAtMs : state.lastCheckAtMs + CHECK_MS);
  }
  return due.length === 0 ? null : Math.min(...due);
}

function checkIfDue(state: DocumentLadder, atMs: number): Step {
  const due = dueAtMs(state);
  return due !== null && atMs >= due ? startCheck(state) : [state, []];
}

function startCheck(state: DocumentLadder): Step {
  if (state.isChecking) return [state, []];
  const check = state.check + 1;
  return [{ ...state, check, isChecking: true, frames: 0, bytes: 0, leg: NOTHING }, [{ do: "check", check }]];
}

function afterCheck(state: DocumentLadder, { atMs, verdict }: Extract<LadderEvent, { type: "checked" }>): Step {
  const checked = { ...state, isChecking: false, lastCheckAtMs: atMs };
  if (verdict.name === "lagging") return [{ ...checked, phase: "lagging" }, []];
  const phase = phaseAfter(verdict);
  const effects: LadderEffect[] = [{ do: "verdict", verdict }];
  if (phase !== "converged") effects.push({ do: "drop" });
  if (checked.isEmpty && checked.frames === 0) effects.push({ do: "end" });
  return [{ ...checked, phase }, effects];
}

function phaseAfter(verdict: DocumentVerdict): LadderPhase {
  if (verdict.name === "different") return "diverged";
  return verdict.name === "not_compared" && verdict.reason !== "served_aborted" ? "lost" : "converged";
}
