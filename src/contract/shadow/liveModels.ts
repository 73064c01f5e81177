// differences.md §7, last paragraph: what holds beside the other rules while the models of both arms answer by themselves.
import type { LiveModels } from "../../shadow/ports.ts";
import { routesOf } from "./byRoute.ts";
import { row, type RuleRow } from "./row.ts";

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** Where models speak: answers of these routes, turns, and what turns leave on a board. */
const SPOKEN = routesOf(
  ...words("R6 R7 R8 R10 R11 R12 R13 R22 R26 R27 R28 R29 R30 R31 R32 R34 R35 chat.send chat.history"),
  ...words("C8 C9 C10 C11 C15 C16 C17 C18"),
);
const EVERYWHERE = [...SPOKEN, "tutor", "whiteboard"];

/** By name (models.md §§1–5, realtime-socket.md §7), whatever they stand in. */
const TEXTS = words(`
  explanation_text explanation_title message_text text message content
  question question_text explanation options[*] correct_option user_selected_option related_section suggested_study_topics[*]
  difficulty title description lesson_title topic target_audience prerequisites[*] concepts_to_cover[*] additional_resources[*]
  learning_goal relevant_concepts[*] suggested_approach initial_difficulty
  analysis_text key_concepts[*] key_terms.*
  strengths[*] improvement_areas[*] lesson_plan_insights[*] content_insights[*] quiz_insights[*] observation recommendation
  approach evidence suggestion recommendations[*] recommended_adjustments[*] suggested_resources[*]
  current_topic current_teaching_topic last_interaction_summary confusion_points[*]
`);

/** What a model chooses within limits that both arms check; what a call has cost. */
const NUMBERS = words(`
  priority target_mastery estimated_duration_minutes total_estimated_duration_minutes is_optional correct_answer_index
  overall_effectiveness lesson_plan_quality content_quality quiz_quality student_performance teaching_effectiveness effectiveness
  strength tokens_used cost total_cost text_chars
`);

/** Of an envelope, what is another one with another tool. */
const OF_TOOL = ["$.content_type", "$.data", "$.data.*", "$.whiteboard_actions", "$.whiteboard_actions..*"];

const ROWS: readonly RuleRow[] = [
  row(
    "live-texts",
    "ACCEPT",
    "no model says the same twice: of its texts language and length are compared, and no text counts",
    EVERYWHERE,
    ...TEXTS.flatMap((name) => [
      { path: `$..${name}`, compare: ["prose(0.2,5)"] },
      { path: `$..${name}`, accept: true as const, kinds: ["value" as const, "missing" as const, "extra" as const] },
    ]),
    ...["key_terms", "user_model_state.concepts"].map((name) => ({ path: `$..${name}`, isOpen: true as const })),
    {
      path: "$..user_model_state.concepts.*",
      accept: true,
      kinds: ["missing" as const, "extra" as const, "value" as const],
    },
  ),
  row(
    "live-numbers",
    "IGN",
    "a model chooses them, within limits that both arms check; and what its calls have cost",
    EVERYWHERE,
    ...NUMBERS.map((name) => ({ path: `$..${name}`, ignore: "value" as const })),
  ),
  row(
    "live-tools",
    "ACCEPT",
    "a model may answer with another tool, of those that end a turn with an answer",
    ["tutor"],
    ...OF_TOOL.map((path) => ({ message: "envelope", path, accept: "other-tool" })),
    { message: "raw_delta", path: "$", compare: ["prose(0.2,5)"] },
    { message: "raw_delta", path: "$", accept: true, kinds: ["value"] },
    { message: "raw_delta", accept: true, kinds: ["missing", "extra"] },
  ),
  row(
    "live-failures",
    "ACCEPT",
    "S-10, R-9: a model that fails on one side is a dependency's failure",
    ["tutor"],
    ...[...OF_TOOL, "$.user_model_state..*", "$.user_model_state..[*]"].map((path) => ({
      message: "envelope",
      path,
      accept: "model-failure",
    })),
    { path: "$.analysis_status", accept: "failed-analysis", kinds: ["value"], on: routesOf("R9") },
  ),
];

export const LIVE_MODELS: LiveModels = {
  rules: ROWS.flatMap(({ rules }) => rules),
  // models.md §8: every table into which a model's words, or what it has drawn, come.
  sections: words(`
    sessions session_messages processed_messages whiteboard_snapshots yjs_snapshots quizzes quiz_submissions concept_events chat_messages
    conversation_messages
  `),
};
