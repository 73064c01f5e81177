// Sessions and their messages (rest.md §3; R5–R7, R19–R21).
import { z } from "zod";
import { count, id, integer, ts } from "../fields.ts";
import { boardAction } from "../frames/boardActions.ts";
import { storedEnvelope } from "../frames/envelope.ts";
import { INTERACTION_MODES } from "../models/sessionContext.ts";

/** R5's body as a correct client sends it; the arm forgives everything else (§3). */
export const sessionRequest = z.object({ folder_id: z.exactOptional(z.string().nullable()) });
export const sessionCreated = z.strictObject({ session_id: id });

export const ANALYSIS_STATUSES = ["processing", "success", "failed"] as const;

export const session = z.strictObject({
  id,
  folder_id: id.nullable(),
  interaction_mode: z.enum(INTERACTION_MODES),
  latest_turn_no: count,
  analysis_status: z.enum(ANALYSIS_STATUSES).nullable(),
  created_at: ts,
  updated_at: ts,
  ended_at: ts.nullable(),
});

export const sessionListQuery = z.object({
  limit: z.exactOptional(integer.min(1).max(100)),
  before: z.exactOptional(z.string()),
});
export const sessionList = z.strictObject({ sessions: z.array(session), next_before: id.nullable() });

export const messagesQuery = z.object({
  before_turn_no: z.exactOptional(integer),
  limit: z.exactOptional(integer),
});

const rowKeys = { turn_no: count, text: z.string().nullable(), whiteboard_snapshot_index: count.nullable() };

/** R6: `payload_json` is absent on user rows and the stored envelope on assistant rows. */
export const messageRow = z.discriminatedUnion("role", [
  z.strictObject({ ...rowKeys, role: z.literal("user") }),
  z.strictObject({ ...rowKeys, role: z.literal("assistant"), payload_json: storedEnvelope }),
]);
export const messageRows = z.array(messageRow);

export const whiteboardAtTurnQuery = z.object({ target_snapshot_index: integer });
export const whiteboardAtTurn = z.strictObject({
  target_snapshot_index: count,
  whiteboard_actions: z.array(boardAction),
});

export type Session = z.infer<typeof session>;
export type SessionList = z.infer<typeof sessionList>;
export type MessageRow = z.infer<typeof messageRow>;
