// The tutor's answer envelope, one shape per content type (tutor-socket.md §4).
import { z } from "zod";
import { SCHEMA_VERSION } from "../constants.ts";
import { TUTOR_ERROR_CODES } from "../errorCodes.ts";
import { turnId } from "../fields.ts";
import { quizFeedbackItem, quizQuestion } from "../models/quiz.ts";
import { userModelState } from "../models/userModel.ts";
import { boardAction } from "./boardActions.ts";

export const CONTENT_TYPES = ["explanation", "question", "feedback", "message", "error"] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

export const MESSAGE_TYPES = ["greeting", "transition", "summary", "status_update", "clarification"] as const;

export const explanationData = z.strictObject({
  response_type: z.literal("explanation"),
  explanation_text: z.string(),
  explanation_title: z.string().nullable(),
  related_objectives: z.null(),
  lesson_content: z.null(),
  whiteboard_actions: z.null(),
});

export const questionData = z.strictObject({
  response_type: z.literal("question"),
  question_type: z.literal("multiple_choice"),
  question_data: quizQuestion,
  context_summary: z.null(),
  question_id: z.string(),
});

export const feedbackData = z.strictObject({
  feedback_items: z.tuple([quizFeedbackItem]),
  overall_assessment: z.null(),
  suggested_next_step: z.null(),
});

export const messageData = z.strictObject({ message_text: z.string(), message_type: z.enum(MESSAGE_TYPES) });

export const errorData = z.strictObject({
  error_code: z.enum(TUTOR_ERROR_CODES),
  error_message: z.string(),
  technical_details: z.string().nullable(),
});

const envelopeOf = <const T extends ContentType, D extends z.ZodType>(contentType: T, data: D) =>
  z.strictObject({
    schema_version: z.literal(SCHEMA_VERSION),
    content_type: z.literal(contentType),
    data,
    user_model_state: userModelState,
    whiteboard_actions: z.array(boardAction).min(1).nullable(),
    turn_id: z.exactOptional(turnId),
  });

export const explanationEnvelope = envelopeOf("explanation", explanationData);
export const questionEnvelope = envelopeOf("question", questionData);
export const feedbackEnvelope = envelopeOf("feedback", feedbackData);
export const messageEnvelope = envelopeOf("message", messageData);
export const errorEnvelope = envelopeOf("error", errorData);

/** O3. */
export const envelope = z.discriminatedUnion("content_type", [
  explanationEnvelope,
  questionEnvelope,
  feedbackEnvelope,
  messageEnvelope,
  errorEnvelope,
]);
export type Envelope = z.infer<typeof envelope>;

/** `payload_json` of a stored row: the envelope without `turn_id`; errors are never stored (§4). */
export const storedEnvelope = z.discriminatedUnion("content_type", [
  explanationEnvelope.omit({ turn_id: true }),
  questionEnvelope.omit({ turn_id: true }),
  feedbackEnvelope.omit({ turn_id: true }),
  messageEnvelope.omit({ turn_id: true }),
]);
