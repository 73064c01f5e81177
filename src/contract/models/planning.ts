// Objectives, plans, lessons and the document analysis a session context may hold (models.md §§4–5).
import { z } from "zod";
import { count, integer } from "../fields.ts";
import { learningObjective } from "./userModel.ts";

export const focusObjective = z.strictObject({
  topic: z.string(),
  learning_goal: z.string(),
  priority: integer,
  relevant_concepts: z.array(z.string()),
  suggested_approach: z.string().nullable(),
  target_mastery: z.number(),
  initial_difficulty: z.string().nullable(),
});

export const lessonSection = z.strictObject({
  title: z.string(),
  objectives: z.array(learningObjective),
  estimated_duration_minutes: integer,
  concepts_to_cover: z.array(z.string()),
  prerequisites: z.array(z.string()),
  is_optional: z.boolean(),
});

export const lessonPlan = z.strictObject({
  title: z.string(),
  description: z.string(),
  target_audience: z.string(),
  prerequisites: z.array(z.string()),
  sections: z.array(lessonSection).min(1).max(12),
  total_estimated_duration_minutes: integer,
  additional_resources: z.array(z.string()),
});

export const lessonContent = z.strictObject({
  title: z.string(),
  segment_index: count,
  is_last_segment: z.boolean(),
  topic: z.string().nullable(),
  text: z.string(),
  total_segments: count.nullable(),
});

export const analysisResult = z.strictObject({
  analysis_text: z.string(),
  key_concepts: z.array(z.string()),
  key_terms: z.record(z.string(), z.string()),
  file_names: z.array(z.string()),
  vector_store_id: z.string(),
});

export type FocusObjective = z.infer<typeof focusObjective>;
export type AnalysisResult = z.infer<typeof analysisResult>;
