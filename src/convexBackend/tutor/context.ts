// The session context (contract models.md §1). Loading never fails: what is missing or wrong becomes its default.
import type { QuizQuestion } from "./quiz.ts";
import { isQuizQuestion } from "./quiz.ts";
import type { ConceptMastery, UserModelState } from "./userModel.ts";
import type { Region } from "../tools/allocator.ts";
import type { Zone } from "../tools/templates.ts";

export const MODES = ["chat_only", "chat_and_whiteboard"] as const;
export type InteractionMode = (typeof MODES)[number];
const ACTIONS = ["explained", "asked", "evaluated", "remediated"] as const;

export interface QuestionRef {
  readonly question_id: string;
  readonly topic: string | null;
  readonly layout: "grid" | "zone";
  readonly x: number | null;
  readonly y: number | null;
  readonly option_count: number;
  readonly zone: Zone | null;
}

export interface SessionContext {
  state: string | null;
  session_goal: string | null;
  uploaded_file_paths: unknown[];
  analysis_result: Record<string, unknown> | null;
  knowledge_base_path: string | null;
  lesson_plan: Record<string, unknown> | null;
  current_quiz_question: QuizQuestion | null;
  current_focus_objective: Record<string, unknown> | null;
  user_model_state: UserModelState;
  last_interaction_summary: string | null;
  current_teaching_topic: string | null;
  last_pedagogical_action: (typeof ACTIONS)[number] | null;
  last_event: { readonly type: string } | null;
  pending_interaction_type: string | null;
  high_cost_calls: number;
  max_high_cost_calls: number;
  current_question_ref: QuestionRef | null;
  layout_regions: Region[];
  lesson_content: Record<string, unknown> | null;
  vector_store_id: string | null;
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === "string";
const isWhole: Check = (value) => Number.isSafeInteger(value);
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isList: Check = Array.isArray;
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const isOneOf =
  (values: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && values.includes(value);

const isConcept: Check = (value) => {
  if (!isObject(value)) return false;
  const concept = value as Record<keyof ConceptMastery, unknown>;
  return (
    [concept.alpha, concept.beta, concept.attempts].every(isWhole) &&
    orNull(isText)(concept.last_interaction_outcome) &&
    orNull(isText)(concept.last_accessed) &&
    Array.isArray(concept.confusion_points) &&
    concept.confusion_points.every(isText)
  );
};
const isConcepts: Check = (value) => isObject(value) && Object.values(value as object).every(isConcept);

const isRegion: Check = (value) => {
  if (!isObject(value)) return false;
  const region = value as Record<keyof Region, unknown>;
  return (
    [region.x, region.y, region.width, region.height].every(isNumber) &&
    isText(region.regionId) &&
    isText(region.groupId)
  );
};

const isRef: Check = (value) => {
  if (!isObject(value)) return false;
  const ref = value as Record<keyof QuestionRef, unknown>;
  return (
    isText(ref.question_id) &&
    isOneOf(["grid", "zone"])(ref.layout) &&
    isWhole(ref.option_count) &&
    orNull(isObject)(ref.zone)
  );
};

type Rules<T> = { readonly [K in keyof T]: readonly [Check, () => T[K]] };

const USER_MODEL: Rules<UserModelState> = {
  concepts: [isConcepts, () => ({})],
  overall_progress: [isNumber, () => 0],
  current_topic: [orNull(isText), () => null],
  current_topic_segment_index: [isWhole, () => 0],
  learning_pace_factor: [isNumber, () => 1],
  preferred_interaction_style: [orNull(isOneOf(["explanatory", "quiz_heavy", "socratic"])), () => null],
  session_summary_notes: [isList, () => []],
  current_section_objectives: [isList, () => []],
  mastered_objectives_current_section: [isList, () => []],
  pending_interaction_type: [orNull(isOneOf(["checking_question", "summary_prompt"])), () => null],
  pending_interaction_details: [orNull(isObject), () => null],
};

const CONTEXT: Omit<Rules<SessionContext>, "user_model_state"> = {
  state: [orNull(isText), () => null],
  session_goal: [orNull(isText), () => null],
  uploaded_file_paths: [isList, () => []],
  analysis_result: [orNull(isObject), () => null],
  knowledge_base_path: [orNull(isText), () => null],
  lesson_plan: [orNull(isObject), () => null],
  current_quiz_question: [orNull(isQuizQuestion), () => null],
  current_focus_objective: [orNull(isObject), () => null],
  last_interaction_summary: [orNull(isText), () => null],
  current_teaching_topic: [orNull(isText), () => null],
  last_pedagogical_action: [orNull(isOneOf(ACTIONS)), () => null],
  last_event: [orNull(isObject), () => null],
  pending_interaction_type: [orNull(isText), () => null],
  high_cost_calls: [isWhole, () => 0],
  max_high_cost_calls: [isWhole, () => 3],
  current_question_ref: [orNull(isRef), () => null],
  layout_regions: [(value) => Array.isArray(value) && value.every(isRegion), () => []],
  lesson_content: [orNull(isObject), () => null],
  vector_store_id: [orNull(isText), () => null],
};

function readWith<T>(rules: Rules<T>, stored: unknown, onRepair: (field: string) => void): T {
  const members = isObject(stored) ? (stored as Record<string, unknown>) : {};
  const read: Record<string, unknown> = {};
  for (const [field, [isRight, fallback]] of Object.entries(rules as Rules<Record<string, unknown>>)) {
    const isPresent = Object.hasOwn(members, field);
    const value = members[field];
    if (isPresent && isRight(value)) read[field] = value;
    else {
      read[field] = fallback();
      if (isPresent) onRepair(field);
    }
  }
  return read as T;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `onRepair` is told each field whose stored value was replaced; a missing one is no repair. */
export function loadContext(text: string, onRepair: (field: string) => void): SessionContext {
  const stored = parse(text);
  const context = readWith(CONTEXT as unknown as Rules<SessionContext>, stored, onRepair);
  const model = isObject(stored) ? (stored as { user_model_state?: unknown }).user_model_state : undefined;
  context.user_model_state = readWith(USER_MODEL, model, onRepair);
  return context;
}
