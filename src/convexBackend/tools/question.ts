// Asking a question on the board and marking its answer (contract services.md §4, tutor-socket.md §7).
import { isBlank, r4 } from "../../contract/index.ts";
import type { QuestionRef } from "../tutor/context.ts";
import { isQuizQuestion, type QuizQuestion, quizQuestion } from "../tutor/quiz.ts";
import { updateUserModel } from "../tutor/userModel.ts";
import { type Args, BadArgs, has, text, textOr, whole } from "./args.ts";
import { type Desk, emit, message, type Outcome, reply, reserve, type Tool } from "./desk.ts";
import { resolveZone, type Zone } from "./templates.ts";

const LETTER_A = 65;
const GRID_WIDTH = 700;
const RIGHT = "#2ECC71";
const WRONG = "#E74C3C";

const orBlank = (value: string | undefined): string | null => (value === undefined || isBlank(value) ? null : value);

interface Layout {
  readonly question: object;
  readonly radio: (i: number) => object;
  readonly label: (i: number) => object;
}

function gridLayout(X: number, Y: number): Layout {
  const top = (i: number): number => Y + 50 + 40 * i + 8;
  return {
    question: { x: X, y: Y },
    radio: (i) => ({ x: X + 20, y: top(i) }),
    label: (i) => ({ x: X + 45, y: top(i) }),
  };
}

interface ZoneRows {
  readonly row: number;
  readonly top: (i: number) => number;
}

function zoneRows(z: Zone, options: number): ZoneRows {
  const step = (0.7 * z.heightPct) / options;
  return { row: Math.min(step, 0.15 * z.heightPct), top: (i) => z.yPct + 0.3 * z.heightPct + i * step };
}

function zoneLayout(z: Zone, options: number): Layout {
  const { row, top } = zoneRows(z, options);
  const place = (xPct: number, yPct: number, size: object = {}) => ({ xPct: r4(xPct), yPct: r4(yPct), ...size });
  const wide = { widthPct: r4(0.9 * z.widthPct), heightPct: r4(row) };
  return {
    question: place(z.xPct, z.yPct, { widthPct: r4(z.widthPct), heightPct: r4(0.25 * z.heightPct) }),
    radio: (i) => place(z.xPct + 0.02 * z.widthPct, top(i) + row / 2),
    label: (i) => place(z.xPct + 0.05 * z.widthPct, top(i), wide),
  };
}

function questionObjects(qid: string, question: QuizQuestion, layout: Layout, isGrid: boolean): object[] {
  const metadata = (role: string, i?: number) => ({
    source: "assistant",
    role,
    question_id: qid,
    ...(i !== undefined && { option_id: String(i) }),
    groupId: qid,
  });
  const head = { text: question.question, fontSize: 18, fill: "#000000", ...(isGrid && { width: GRID_WIDTH }) };
  const radioKeys = { radius: 8, stroke: "#555555", strokeWidth: 1, fill: "#FFFFFF" };
  const options = question.options.flatMap((option, i) => [
    {
      id: `mcq-${qid}-opt-${i}-radio`,
      kind: "circle",
      ...layout.radio(i),
      ...radioKeys,
      metadata: metadata("option_selector", i),
    },
    {
      id: `mcq-${qid}-opt-${i}-text`,
      kind: "text",
      ...layout.label(i),
      text: `${String.fromCharCode(LETTER_A + i)}. ${option}`,
      fontSize: 16,
      fill: "#333333",
      metadata: metadata("option_label", i),
    },
  ]);
  return [
    { id: `mcq-${qid}-text`, kind: "text", ...layout.question, ...head, metadata: metadata("question") },
    ...options,
  ];
}

function questionOf(args: Args): QuizQuestion {
  const data = args["question_data"];
  if (data === undefined || data === null) throw new BadArgs("question_data is missing", "MISSING_QUESTION_DATA");
  if (!isQuizQuestion(data)) throw new BadArgs("question_data is not a question", "INVALID_QUESTION_DATA");
  return quizQuestion(data);
}

function optionalText(args: Args, name: string): string | undefined {
  try {
    return textOr(args, name, undefined);
  } catch {
    throw new BadArgs(`argument ${name} is not a text`, "INVALID_QUESTION_DATA");
  }
}

export const askQuestion: Tool = (args, desk) => {
  const question = questionOf(args);
  const topic = orBlank(optionalText(args, "topic")) ?? orBlank(question.related_section);
  const zone = resolveZone(optionalText(args, "template"), optionalText(args, "zone"));
  const qid = desk.world.did("question", desk.sessionId, desk.turnNo).slice(0, 8);
  const n = question.options.length;
  const origin = zone ? null : reserve(desk, GRID_WIDTH, 100 + 40 * n + 20, qid);
  const layout = zone ? zoneLayout(zone, n) : gridLayout(origin?.x ?? 0, origin?.y ?? 0);
  emit(desk, { type: "ADD_OBJECTS", objects: questionObjects(qid, question, layout, zone === null) });
  const { draft } = desk;
  draft.current_quiz_question = question;
  draft.current_question_ref = {
    question_id: qid,
    topic,
    layout: zone ? "zone" : "grid",
    x: origin?.x ?? null,
    y: origin?.y ?? null,
    option_count: n,
    zone,
  };
  if (topic !== null) draft.current_teaching_topic = topic;
  draft.last_pedagogical_action = "asked";
  return message(`A question about ${topic ?? "this topic"} is on the board.`);
};

function feedbackPlaces(ref: QuestionRef, chosen: number): { mark: object; text: object } {
  const { zone, option_count: n } = ref;
  if (ref.layout === "zone" && zone) {
    const mark = { xPct: r4(zone.xPct + 0.6 * zone.widthPct), yPct: r4(zoneRows(zone, n).top(chosen)) };
    const text = { xPct: zone.xPct, yPct: r4(zone.yPct + 0.95 * zone.heightPct), widthPct: zone.widthPct };
    return { mark, text };
  }
  const [X, Y] = [ref.x ?? 0, ref.y ?? 0];
  return {
    mark: { x: X + 400, y: Y + 50 + 40 * chosen + 8 },
    text: { x: X, y: Y + 50 + 40 * n + 20, width: GRID_WIDTH },
  };
}

function feedbackActions(desk: Desk, question: QuizQuestion, ref: QuestionRef, chosen: number, isRight: boolean): void {
  const qid = ref.question_id;
  const fill = isRight ? RIGHT : WRONG;
  const places = feedbackPlaces(ref, chosen);
  const common = { source: "assistant", question_id: qid, groupId: qid };
  const mark = {
    id: `mcq-${qid}-opt-${chosen}-mark`,
    kind: "text",
    ...places.mark,
    text: isRight ? "✓" : "✗",
    fontSize: 20,
    fill,
    metadata: { ...common, role: "mcq_feedback_mark", option_id: String(chosen), is_correct: isRight },
  };
  const text = {
    id: `mcq-${qid}-feedback-text`,
    kind: "text",
    ...places.text,
    fontSize: 16,
    fill: "#333333",
    text: question.explanation,
    metadata: { ...common, role: "mcq_feedback_text" },
  };
  const frozen = question.options.flatMap((_, i) =>
    ["radio", "text"].map((part) => ({ objectId: `mcq-${qid}-opt-${i}-${part}`, updates: { selectable: false } })),
  );
  const chosenRadio = { objectId: `mcq-${qid}-opt-${chosen}-radio`, updates: { fill, stroke: fill } };
  emit(desk, { type: "ADD_OBJECTS", objects: [mark, text] });
  emit(desk, { type: "UPDATE_OBJECTS", objects: [chosenRadio, ...frozen] });
}

/** The stored place of the pending question; a context that lost it marks at the board's origin. */
const refOf = (desk: Desk, question: QuizQuestion): QuestionRef =>
  desk.draft.current_question_ref ?? {
    question_id: desk.world.did("question", desk.sessionId, desk.turnNo).slice(0, 8),
    topic: null,
    layout: "grid",
    x: 0,
    y: 0,
    option_count: question.options.length,
    zone: null,
  };

/** Evaluates a choice that is known to be in range: learner model, marks on the board, feedback. */
export function evaluate(desk: Desk, question: QuizQuestion, chosen: number): Outcome {
  const { draft } = desk;
  const isRight = chosen === question.correct_answer_index;
  const option = question.options[chosen] ?? "";
  const topic = orBlank(question.related_section) ?? "general";
  const outcome = isRight ? "correct" : "incorrect";
  desk.events.push(updateUserModel(draft.user_model_state, { topic, outcome, details: option, now: desk.world.now }));
  feedbackActions(desk, question, refOf(desk, question), chosen, isRight);
  draft.last_pedagogical_action = "evaluated";
  draft.current_quiz_question = null;
  draft.current_question_ref = null;
  const item = {
    question_index: 0,
    question_text: question.question,
    user_selected_option: option,
    is_correct: isRight,
    correct_option: question.options[question.correct_answer_index] ?? "",
    explanation: question.explanation,
    improvement_suggestion: isRight ? "Great work!" : "Review this concept again.",
  };
  return reply("feedback", { feedback_items: [item], overall_assessment: null, suggested_next_step: null }, "feedback");
}

export const evaluateQuiz: Tool = (args, desk) => {
  const chosen = whole(args, "user_answer_index", { min: 0 });
  const questionId = has(args, "question_id") ? text(args, "question_id") : null;
  const question = desk.draft.current_quiz_question;
  if (!question || chosen >= question.options.length) throw new BadArgs("there is no such option");
  const pending = desk.draft.current_question_ref?.question_id ?? null;
  if (questionId !== null && questionId !== pending) throw new BadArgs("another question is pending");
  return evaluate(desk, question, chosen);
};
