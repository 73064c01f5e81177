// User model and the plan models inside it (models.md §§2, 4).
import { z } from "zod";
import { count, integer, jsonObject, ts } from "../fields.ts";

export const conceptMastery = z.strictObject({
  alpha: integer,
  beta: integer,
  last_interaction_outcome: z.string().nullable(),
  attempts: count,
  confusion_points: z.array(z.string()),
  last_accessed: ts.nullable(),
});

export const learningObjective = z.strictObject({ title: z.string(), description: z.string(), priority: integer });

export const userModelState = z.strictObject({
  concepts: z.record(z.string(), conceptMastery),
  overall_progress: z.number(),
  current_topic: z.string().nullable(),
  current_topic_segment_index: integer,
  learning_pace_factor: z.number(),
  preferred_interaction_style: z.enum(["explanatory", "quiz_heavy", "socratic"]).nullable(),
  session_summary_notes: z.array(z.string()),
  current_section_objectives: z.array(learningObjective),
  mastered_objectives_current_section: z.array(z.string()),
  pending_interaction_type: z.enum(["checking_question", "summary_prompt"]).nullable(),
  pending_interaction_details: jsonObject.nullable(),
});

export type ConceptMastery = z.infer<typeof conceptMastery>;
export type UserModelState = z.infer<typeof userModelState>;

/** The state of a session nobody has taught yet (tutor-socket.md §10). */
export const defaultUserModelState = (): UserModelState => ({
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
});

/** Outcomes an update accepts; any other is bad arguments (models.md §2). */
export const OUTCOMES = ["correct", "incorrect", "explained", "unsure", "clarification_needed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const mastery = ({ alpha, beta }: Pick<ConceptMastery, "alpha" | "beta">): number => alpha / (alpha + beta);

export const isMastered = (concept: Pick<ConceptMastery, "alpha" | "beta">): boolean =>
  mastery(concept) > 0.8 && concept.alpha + concept.beta >= 5;
