// Questions, quizzes and their feedback (models.md §3).
import { z } from "zod";
import { count, id, integer, ts } from "../fields.ts";

export const quizQuestion = z
  .strictObject({
    question: z.string(),
    options: z.array(z.string()).min(2).max(8),
    correct_answer_index: count,
    explanation: z.string(),
    difficulty: z.string(),
    related_section: z.string(),
  })
  .refine((value) => value.correct_answer_index < value.options.length, {
    path: ["correct_answer_index"],
    message: "no such option",
  });

export const quiz = z.strictObject({
  quiz_id: id,
  title: z.string(),
  description: z.string(),
  lesson_title: z.string(),
  questions: z.array(quizQuestion),
  passing_score: integer,
  total_points: count,
  estimated_completion_time_minutes: count,
});

export const IMPROVEMENT_SUGGESTIONS = { right: "Great work!", wrong: "Review this concept again." } as const;

export const quizFeedbackItem = z
  .strictObject({
    question_index: count,
    question_text: z.string(),
    user_selected_option: z.string(),
    is_correct: z.boolean(),
    correct_option: z.string(),
    explanation: z.string(),
    improvement_suggestion: z.string(),
  })
  .refine((item) => item.improvement_suggestion === IMPROVEMENT_SUGGESTIONS[item.is_correct ? "right" : "wrong"], {
    path: ["improvement_suggestion"],
    message: "not the contract's words",
  });

export const quizFeedback = z.strictObject({
  submission_id: id,
  quiz_id: id,
  total_questions: count,
  correct_answers: count,
  score_percentage: z.number(),
  passed: z.boolean(),
  total_points: count,
  earned_points: count,
  feedback_items: z.array(quizFeedbackItem),
  suggested_study_topics: z.array(z.string()),
  submitted_at: ts,
});

export type QuizQuestion = z.infer<typeof quizQuestion>;
export type Quiz = z.infer<typeof quiz>;
export type QuizFeedbackItem = z.infer<typeof quizFeedbackItem>;
export type QuizFeedback = z.infer<typeof quizFeedback>;
