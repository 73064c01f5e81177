// The tools by name (contract services.md §3).
import { isBlank } from "../../contract/index.ts";
import { has, text, textOr } from "./args.ts";
import * as board from "./board.ts";
import { message, reply, type Tool } from "./desk.ts";
import * as drawing from "./drawing.ts";
import { addObjectsToBoard, draw } from "./objects.ts";
import { askQuestion, evaluateQuiz } from "./question.ts";

export { BadArgs } from "./args.ts";
export type { Desk, Outcome, Surroundings, Tool } from "./desk.ts";
export { evaluate } from "./question.ts";

const explain: Tool = (args, { draft }) => {
  const given = textOr(args, "text", "...");
  const title = textOr(args, "title", null);
  const topic = textOr(args, "topic", null);
  const explanation = isBlank(given) ? "..." : given;
  if (topic !== null && !isBlank(topic)) draft.current_teaching_topic = topic;
  draft.last_pedagogical_action = "explained";
  return reply("explanation", explanationData(explanation, title), explanation);
};

export const explanationData = (explanation: string, title: string | null) => ({
  response_type: "explanation",
  explanation_text: explanation,
  explanation_title: title,
  related_objectives: null,
  lesson_content: null,
  whiteboard_actions: null,
});

const endSession: Tool = (args) => {
  const reason = has(args, "reason") ? text(args, "reason") : "completed";
  return message(`Session ended: ${reason}`, "summary");
};

/** All names of the contract in table order; those without a tool come with their features and are unknown until then. */
const TABLE: readonly (readonly [string, Tool | null])[] = [
  ["ask_question", askQuestion],
  ["explain", explain],
  ["draw", draw],
  ["reflect", null],
  ["summarise_context", null],
  ["end_session", endSession],
  ["add_objects_to_board", addObjectsToBoard],
  ["clear_board", board.clearBoard],
  ["clear_whiteboard", board.clearWhiteboard],
  ["concept_overview", null],
  ["explain_concept", null],
  ["explain_process", null],
  ["present_concepts", null],
  ["create_quiz", null],
  ["diagnostic_question", null],
  ["dag_query", null],
  ["delete_group", board.deleteGroup],
  ["delete_object_on_board", board.deleteObject],
  ["draw_axis_actions", drawing.drawAxis],
  ["draw_coordinate_plane", drawing.drawCoordinatePlane],
  ["draw_diagram_actions", drawing.drawDiagram],
  ["draw_flowchart_actions", drawing.drawFlowchart],
  ["draw_graph", drawing.drawGraph],
  ["draw_latex", drawing.drawLatex],
  ["draw_mcq_actions", askQuestion],
  ["draw_mcq_feedback", evaluateQuiz],
  ["evaluate_quiz", evaluateQuiz],
  ["draw_shape", drawing.drawShape],
  ["draw_table_actions", drawing.drawTable],
  ["draw_text", drawing.drawText],
  ["draw_timeline", drawing.drawTimeline],
  ["explain_diagram_part", null],
  ["find_object_on_board", board.findObject],
  ["get_board_state", board.getBoardState],
  ["get_board_summary", board.getBoardSummary],
  ["group_objects", board.groupObjects],
  ["highlight_object", board.highlightObject],
  ["highlight_object_on_board", board.highlightObject],
  ["move_group", board.moveGroup],
  ["read_interaction_logs", null],
  ["read_knowledge_base", null],
  ["reflect_on_interaction", null],
  ["remediate_concept", null],
  ["show_pointer_at", board.showPointerAt],
  ["style_token", null],
  ["update_object_on_board", board.updateObject],
  ["update_user_model", null],
];

/** What the prompt lists. */
export const TOOL_NAMES: readonly string[] = TABLE.map(([name]) => name);

const TOOLS: ReadonlyMap<string, Tool> = new Map(
  TABLE.filter((row): row is readonly [string, Tool] => row[1] !== null),
);

export const toolNamed = (name: string): Tool | undefined => TOOLS.get(name);

const SILENT: ReadonlySet<string> = new Set(["find_object_on_board", "get_board_state", "get_board_summary"]);

/** Whether the tool's result goes back to the model. */
export const isSilentTool = (name: string): boolean => SILENT.has(name);
