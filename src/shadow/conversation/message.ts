// The messages of one leg of a socket pair as the comparison sees them (shadow §10).
import type { JsonValue } from "../json/values.ts";

/** What an arm said: one message, or the joined parts of one. */
export interface ArmMessage {
  /** The part of the conversation inside which order is judged (C5). */
  readonly lane: string;
  /** What its codec calls it: rules and alignment go by it. */
  readonly type: string;
  /** Names the same message on both arms; null where the surface knows none. */
  readonly correlationId: string | null;
  /** How many of the client's turns had left for this arm before it came. */
  readonly turn: number;
  /** Monotonic ms of the leg, and ms since the client's newest turn left for it. */
  readonly atMs: number;
  readonly sinceTurnMs: number;
  readonly value: JsonValue;
  /** Parts that were joined; null for one that came whole. */
  readonly parts: { readonly count: number; readonly firstAtMs: number; readonly longestGapMs: number } | null;
}

export const MESSAGE_STATES = ["matched", "changed", "missing", "extra", "reordered", "late", "duplicate"] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];
