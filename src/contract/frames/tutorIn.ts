// Frames a tutor client sends (tutor-socket.md §§3, 6). Unknown keys are ignored (G16).
import { z } from "zod";
import { isMessageKey } from "../constants.ts";
import { jsonObject } from "../fields.ts";
import { isBlank } from "../text.ts";

const messageId = z.custom<string>(isMessageKey, "not 1 to 128 visible ASCII characters");

const common = {
  whiteboard_mode: z.exactOptional(z.unknown()),
  client_message_id: z.exactOptional(messageId),
};

const anyData = z.exactOptional(jsonObject.nullable());

/** What every queued frame must be; otherwise `INVALID_PAYLOAD`. The type may be unknown. */
export const queuedFrame = z.looseObject({ type: z.string().min(1), data: anyData, ...common });

export const userMessage = z.looseObject({
  type: z.literal("user_message"),
  data: z.looseObject({ text: z.string() }),
  ...common,
});

/** `answer_index` is judged later, against the pending question (§7). */
export const answer = z.looseObject({
  type: z.literal("answer"),
  data: z.exactOptional(
    z.looseObject({ answer_index: z.exactOptional(z.unknown()), question_id: z.exactOptional(z.unknown()) }).nullable(),
  ),
  ...common,
});

export const action = z.looseObject({
  type: z.enum(["next", "previous", "summary", "start"]),
  data: anyData,
  ...common,
});

export const canvasClick = z.looseObject({
  type: z.literal("canvas_click"),
  data: z.looseObject({ object_id: z.string().refine((text) => !isBlank(text), "blank") }),
  ...common,
});

export const endSession = z.looseObject({ type: z.literal("end_session"), data: anyData, ...common });

export const ping = z.looseObject({ type: z.literal("ping") });
export const heartbeat = z.looseObject({ type: z.literal("heartbeat") });
export const systemTick = z.looseObject({ type: z.literal("system_tick") });

/** Its fields are top-level, unlike those of all other frames. */
export const boardStateResponse = z.looseObject({
  type: z.literal("BOARD_STATE_RESPONSE"),
  request_id: z.string(),
  payload: z.array(jsonObject),
  error: z.exactOptional(z.unknown()),
});

/** A well-formed frame of a known type: what a correct client sends. */
export const tutorInbound = z.discriminatedUnion("type", [
  userMessage,
  answer,
  action,
  canvasClick,
  endSession,
  ping,
  heartbeat,
  systemTick,
  boardStateResponse,
]);
export type TutorInbound = z.infer<typeof tutorInbound>;
