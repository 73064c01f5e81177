import { derivedId8, type Json } from "../../support/index.ts";
import { nonEmptyText, textOrNull, ts } from "./match.ts";

/** The user model before anything was learnt, contract tutor-socket §10. */
export const NEW_USER_MODEL: Json = {
  concepts: {},
  overall_progress: 0,
  current_topic: null,
  current_topic_segment_index: 0,
  learning_pace_factor: 1,
  preferred_interaction_style: null,
  session_summary_notes: [],
  current_section_objectives: [],
  mastered_objectives_current_section: [],
  pending_interaction_type: null,
  pending_interaction_details: null,
};

export interface EnvelopeExtras {
  readonly actions?: Json;
  readonly model?: Json;
}

/** The five keys of every envelope, contract tutor-socket §4. */
export function envelope(
  contentType: string,
  data: Json,
  { actions = null, model = NEW_USER_MODEL }: EnvelopeExtras = {},
): Json {
  return { schema_version: 1, content_type: contentType, data, user_model_state: model, whiteboard_actions: actions };
}

/** Without arguments: what the stand-in model explains, whose words and title are its own. */
export function explanation(text: Json = nonEmptyText, title: Json = text === nonEmptyText ? textOrNull : null): Json {
  return envelope("explanation", {
    response_type: "explanation",
    explanation_text: text,
    explanation_title: title,
    related_objectives: null,
    lesson_content: null,
    whiteboard_actions: null,
  });
}

export function message(text: string, type = "status_update", actions: Json = null): Json {
  return envelope("message", { message_text: text, message_type: type }, { actions });
}

/** What a board tool answers unless the contract says otherwise (services §3). */
export function boardMessage(...actions: Json[]): Json {
  return message("I updated the board.", "status_update", actions);
}

export function errorEnvelope(code: string, model: Json = NEW_USER_MODEL): Json {
  return envelope("error", { error_code: code, error_message: nonEmptyText, technical_details: textOrNull }, { model });
}

/** `g` of services §3: the group of what a tool draws in a step of a turn. */
export function drawGroup(session: string, turn: number, step = 0): string {
  return derivedId8("draw", session, turn, step);
}

export function mastery(
  alpha: number,
  beta: number,
  outcome: string,
  attempts: number,
  confusion: string[] = [],
): Json {
  return { alpha, beta, last_interaction_outcome: outcome, attempts, confusion_points: confusion, last_accessed: ts };
}
