// The server-internal session context and its forgiving loader (models.md §1, G16).
import { z } from "zod";
import { isObject } from "../jsonObject.ts";
import { count, integer } from "../fields.ts";
import { loadFields, parseIgnoringUnknown } from "./loading.ts";
import { analysisResult, focusObjective, lessonContent, lessonPlan } from "./planning.ts";
import { quizQuestion } from "./quiz.ts";
import { type ConceptMastery, defaultUserModelState, type UserModelState, userModelState } from "./userModel.ts";

export const INTERACTION_MODES = ["chat_only", "chat_and_whiteboard"] as const;
export type InteractionMode = (typeof INTERACTION_MODES)[number];

const zone = z.strictObject({ xPct: z.number(), yPct: z.number(), widthPct: z.number(), heightPct: z.number() });

export const questionRef = z.strictObject({
  question_id: z.string(),
  topic: z.string().nullable(),
  layout: z.enum(["grid", "zone"]),
  x: z.number().nullable(),
  y: z.number().nullable(),
  option_count: count,
  zone: zone.nullable(),
});

export const layoutRegion = z.strictObject({
  regionId: z.string(),
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
  groupId: z.string().nullable(),
});

const nullableText = z.string().nullable();

const FIELDS = {
  state: nullableText,
  user_id: z.string(),
  session_id: z.string(),
  folder_id: nullableText,
  vector_store_id: nullableText,
  session_goal: nullableText,
  interaction_mode: z.enum(INTERACTION_MODES),
  uploaded_file_paths: z.array(z.string()),
  analysis_result: analysisResult.nullable(),
  knowledge_base_path: nullableText,
  lesson_plan: lessonPlan.nullable(),
  current_quiz_question: quizQuestion.nullable(),
  current_focus_objective: focusObjective.nullable(),
  user_model_state: userModelState,
  last_interaction_summary: nullableText,
  current_teaching_topic: nullableText,
  last_pedagogical_action: z.enum(["explained", "asked", "evaluated", "remediated"]).nullable(),
  last_event: z.looseObject({ type: z.string() }).nullable(),
  pending_interaction_type: nullableText,
  high_cost_calls: integer,
  max_high_cost_calls: integer,
  latest_turn_no: count,
  latest_snapshot_index: count,
  current_question_ref: questionRef.nullable(),
  layout_regions: z.array(layoutRegion),
  lesson_content: lessonContent.nullable(),
} as const;

export const sessionContext = z.strictObject(FIELDS);
export type SessionContext = z.infer<typeof sessionContext>;
export type ContextIdentity = Pick<SessionContext, "user_id" | "session_id">;

/** A fresh context; keys in the order of models.md §1. */
export const defaultContext = ({ user_id, session_id }: ContextIdentity): SessionContext => ({
  state: null,
  user_id,
  session_id,
  folder_id: null,
  vector_store_id: null,
  session_goal: null,
  interaction_mode: "chat_and_whiteboard",
  uploaded_file_paths: [],
  analysis_result: null,
  knowledge_base_path: null,
  lesson_plan: null,
  current_quiz_question: null,
  current_focus_objective: null,
  user_model_state: defaultUserModelState(),
  last_interaction_summary: null,
  current_teaching_topic: null,
  last_pedagogical_action: null,
  last_event: null,
  pending_interaction_type: null,
  high_cost_calls: 0,
  max_high_cost_calls: 3,
  latest_turn_no: 0,
  latest_snapshot_index: 0,
  current_question_ref: null,
  layout_regions: [],
  lesson_content: null,
});

export interface LoadedContext {
  readonly context: SessionContext;
  /** Fields whose stored value was unusable: logged and counted by the caller. A missing key is no repair. */
  readonly repairs: readonly string[];
}

const { user_model_state: _, ...PLAIN_FIELDS } = FIELDS;

/** Missing key → default; wrong type or unknown enum value → default, reported; unknown key → ignored. Never throws. */
export function loadContext(stored: unknown, identity: ContextIdentity): LoadedContext {
  const repairs: string[] = [];
  if (!isObject(stored)) {
    if (stored !== null && stored !== undefined) repairs.push("context");
    return { context: defaultContext(identity), repairs };
  }
  const plain = loadFields(PLAIN_FIELDS, defaultContext(identity), stored, repairs);
  const userModel = loadUserModel(stored["user_model_state"], repairs);
  return { context: { ...plain, ...identity, user_model_state: userModel }, repairs };
}

/** Field by field, so that one bad value does not cost a learner all that is known about them. */
function loadUserModel(stored: unknown, repairs: string[]): UserModelState {
  if (stored !== undefined && !isObject(stored)) repairs.push("user_model_state");
  const { concepts, ...fields } = userModelState.shape;
  const loaded = loadFields(fields, defaultUserModelState(), stored, repairs);
  return { ...loaded, concepts: loadConcepts(isObject(stored) ? stored["concepts"] : undefined, concepts, repairs) };
}

function loadConcepts(stored: unknown, schema: typeof userModelState.shape.concepts, repairs: string[]) {
  if (stored === undefined) return {};
  if (!isObject(stored)) {
    repairs.push("concepts");
    return {};
  }
  const usable = Object.entries(stored).flatMap(([topic, value]): [string, ConceptMastery][] => {
    const concept = parseIgnoringUnknown(schema.valueType, value);
    if (!concept.ok) repairs.push("concepts");
    return concept.ok ? [[topic, concept.value]] : [];
  });
  return Object.fromEntries(usable);
}
