// The messages of one leg of a socket pair as the comparison sees them (shadow §10).
import type { JsonValue } from "../json/values.ts";
import type { VerdictNote } from "../verdict.ts";

/** What says which turn a message belongs to: its correlation id, the order of the answers, or only when it came. */
export type TurnCause = "id" | "order" | "window";

/** Which turn, 0 for the greeting. */
export interface TurnPlace {
  readonly turn: number;
  /** The first turn that may have caused it as well: its window ended just before (C6). */
  readonly fromTurn: number;
  readonly cause: TurnCause;
}

/** What an arm said: one message, or the joined parts of one. */
export interface ArmMessage extends TurnPlace {
  /** The part of the conversation inside which order is judged (C5), together with the correlation id. */
  readonly lane: string;
  /** What its codec calls it: rules and alignment go by it. */
  readonly type: string;
  /** Names the same message on both arms; null where the surface knows none. */
  readonly correlationId: string | null;
  /** Monotonic ms, and ms since its turn left for this arm. */
  readonly atMs: number;
  readonly sinceTurnMs: number;
  readonly value: JsonValue;
  /** Equal for the same bytes, and of joined parts for the same bytes in the same parts. */
  readonly digest: string;
  readonly hasEscapes: boolean;
  readonly notes: readonly VerdictNote[];
  /** What holding it costs. */
  readonly chars: number;
  /** Parts that were joined; null for one that came whole. */
  readonly parts: {
    readonly join: string;
    readonly count: number;
    readonly firstAtMs: number;
    readonly longestGapMs: number;
  } | null;
}

export const MESSAGE_STATES = ["matched", "changed", "missing", "extra", "reordered", "late", "duplicate"] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];
