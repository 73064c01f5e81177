// Every frame a tutor arm sends (tutor-socket.md §§1, 3, 4, 5).
import { z } from "zod";
import { count, id, ms, turnId } from "../fields.ts";
import { boardAction } from "./boardActions.ts";
import { envelope } from "./envelope.ts";

const CHAT_HISTORY_MAX = 50;

/** O1. */
export const sessionInitState = z.strictObject({
  type: z.literal("SESSION_INIT_STATE"),
  chat_history: z
    .array(z.strictObject({ role: z.enum(["user", "assistant"]), text: z.string().nullable(), turn_no: count }))
    .max(CHAT_HISTORY_MAX),
  whiteboard_actions_to_replay: z.array(boardAction),
});

/** O4. */
export const requestBoardState = z.strictObject({ type: z.literal("REQUEST_BOARD_STATE"), request_id: id });

/** O5. */
export const pong = z.strictObject({ type: z.literal("pong"), timestamp: ms });
export const heartbeatAck = z.strictObject({ type: z.literal("heartbeat_ack"), timestamp: ms });

/** O6; a delta is never empty (§5). */
export const rawDelta = z.strictObject({
  type: z.literal("raw_delta"),
  turn_id: turnId,
  seq: count,
  delta: z.string().min(1),
});
export const rawReset = z.strictObject({ type: z.literal("raw_reset"), turn_id: turnId, seq: count });

const typed = z.discriminatedUnion("type", [
  sessionInitState,
  requestBoardState,
  pong,
  heartbeatAck,
  rawDelta,
  rawReset,
]);

/** Any outbound frame. Problems are reported against the shape the frame claims to have. */
export const tutorOutbound = z.union([typed, envelope]);
export type TutorOutbound = z.infer<typeof tutorOutbound>;

/** `type` label of frame metrics: the frame's type, or the envelope's content type (rest.md §6). */
export const TUTOR_OUTBOUND_TYPES = typed.options.map((option) => option.shape.type.value);
