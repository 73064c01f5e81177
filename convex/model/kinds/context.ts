// The session context as it travels (contract models.md §1): what is stored, completed by defaults and by what stands in
// the session's own row.
import type { Doc } from "../../_generated/dataModel.js";

const MODES = ["chat_only", "chat_and_whiteboard"] as const;

const USER_MODEL = {
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

const DEFAULTS = {
  state: null,
  vector_store_id: null,
  session_goal: null,
  uploaded_file_paths: [],
  analysis_result: null,
  knowledge_base_path: null,
  lesson_plan: null,
  current_quiz_question: null,
  current_focus_objective: null,
  user_model_state: USER_MODEL,
  last_interaction_summary: null,
  current_teaching_topic: null,
  last_pedagogical_action: null,
  last_event: null,
  pending_interaction_type: null,
  high_cost_calls: 0,
  max_high_cost_calls: 3,
  current_question_ref: null,
  layout_regions: [],
  lesson_content: null,
};

export const contextOf = (session: Doc<"sessions">, stored: string): Record<string, unknown> => ({
  ...DEFAULTS,
  ...(JSON.parse(stored) as object),
  user_id: session.userId,
  session_id: session.publicId,
  folder_id: session.folderId,
  interaction_mode: session.interactionMode,
  latest_turn_no: session.latestTurnNo,
  latest_snapshot_index: session.latestSnapshotIndex,
});

const whole = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;

/** What the session's row keeps of a context that comes from the other arm. */
export function ownPartOf(context: Readonly<Record<string, unknown>>) {
  const mode = context["interaction_mode"];
  return {
    interactionMode: MODES.find((known) => known === mode) ?? "chat_and_whiteboard",
    latestTurnNo: whole(context["latest_turn_no"]),
    latestSnapshotIndex: whole(context["latest_snapshot_index"]),
  };
}
