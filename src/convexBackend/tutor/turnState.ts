// What the steps of one turn share: the frame, its plan and what the store said at its begin.
import type { FunctionReturnType } from "convex/server";
import type { api } from "../../../convex/_generated/api.js";
import type { Services } from "../services.ts";
import type { Actor, TutorSocket } from "./actor.ts";
import type { Envelope } from "./envelope.ts";
import type { QueuedFrame } from "./frames.ts";
import type { Plan } from "./plan.ts";

/** A turn starts over when the store says that its view was old. */
export const STALE_TRIES = 3;

export type Begun = Extract<FunctionReturnType<typeof api.turns.begin>, { status: "ready" }>;
export type Effect = Extract<Plan, { kind: "turn" | "answer" | "end" }>;

export interface Turn {
  readonly services: Services;
  readonly actor: Actor;
  readonly socket: TutorSocket;
  readonly frame: QueuedFrame;
  readonly plan: Plan;
  readonly clientMessageId: string | null;
  readonly started: number;
  readonly signal: AbortSignal;
  /** The fault `lost-write`: everything is computed and nothing stored. */
  readonly isLost: boolean;
}

export const turnIdOf = (turn: Turn, turnNo: number): string => `${turn.actor.id}:${turnNo}`;

export function frameText(turn: Turn, made: Envelope, turnNo: number | null): string {
  const isNamed = turn.socket.isStreaming && turnNo !== null;
  return JSON.stringify(isNamed ? { ...made, turn_id: turnIdOf(turn, turnNo) } : made);
}
