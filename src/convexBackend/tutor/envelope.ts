// Outbound frames of the tutor socket (contract tutor-socket.md §4).
import { SCHEMA_VERSION } from "../../contract/index.ts";
import type { SessionContext } from "./context.ts";
import type { WhiteboardAction } from "./replay.ts";
import type { UserModelState } from "./userModel.ts";

export interface Envelope {
  readonly schema_version: number;
  readonly content_type: string;
  readonly data: object;
  readonly user_model_state: UserModelState;
  readonly whiteboard_actions: readonly WhiteboardAction[] | null;
}

export const envelope = (
  contentType: string,
  data: object,
  userModel: UserModelState,
  actions: readonly WhiteboardAction[] = [],
): Envelope => ({
  schema_version: SCHEMA_VERSION,
  content_type: contentType,
  data,
  user_model_state: userModel,
  whiteboard_actions: actions.length > 0 ? actions : null,
});

const MESSAGES: Readonly<Record<string, string>> = {
  INVALID_PAYLOAD: "The frame cannot be read.",
  UNKNOWN_MESSAGE_TYPE: "This kind of frame is not known.",
  EMPTY_MESSAGE: "The message is empty.",
  MESSAGE_TOO_LONG: "The message is too long.",
  CANVAS_CLICK_NO_ID: "The click names no object.",
  QUEUE_OVERFLOW: "Too many frames are waiting.",
  INVALID_ANSWER_FORMAT: "The answer names no option.",
  ANSWER_EVAL_INPUT_ERROR: "The answer does not fit the question.",
  LLM_RATE_LIMITED: "The tutor is busy. Please try again in a moment.",
  LLM_UNAVAILABLE: "The tutor cannot be reached.",
  LLM_TIMEOUT: "The tutor took too long.",
  TURN_TIMEOUT: "The turn took too long.",
  BOARD_STATE_TIMEOUT: "The board did not answer.",
  BOARD_STATE_ERROR: "The board answered with an error.",
  INTERNAL_ERROR: "Something went wrong.",
};

export const errorEnvelope = (code: string, userModel: UserModelState): Envelope =>
  envelope(
    "error",
    { error_code: code, error_message: MESSAGES[code] ?? "The tutor gave no usable reply.", technical_details: null },
    userModel,
  );

/** The pending question as a client sees it at connect (§1.4); null when none waits. */
export function questionEnvelope(context: SessionContext): Envelope | null {
  const question = context.current_quiz_question;
  if (!question) return null;
  const data = {
    response_type: "question",
    question_type: "multiple_choice",
    question_data: question,
    context_summary: null,
    question_id: context.current_question_ref?.question_id ?? "",
  };
  return envelope("question", data, context.user_model_state);
}
