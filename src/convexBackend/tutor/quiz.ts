// Questions and their deterministic evaluation (contract models.md §3, tutor-socket.md §7).

export interface QuizQuestion {
  readonly question: string;
  readonly options: readonly string[];
  readonly correct_answer_index: number;
  readonly explanation: string;
  readonly difficulty: string;
  readonly related_section: string;
}

const OPTIONS_MIN = 2;
const OPTIONS_MAX = 8;

export function isQuizQuestion(value: unknown): value is QuizQuestion {
  if (typeof value !== "object" || value === null) return false;
  const {
    question,
    options,
    correct_answer_index: correct,
    explanation,
    difficulty,
    related_section,
  } = value as Record<string, unknown>;
  const areTexts = [question, explanation, difficulty, related_section].every((text) => typeof text === "string");
  if (!areTexts || !Array.isArray(options) || !options.every((option) => typeof option === "string")) return false;
  if (options.length < OPTIONS_MIN || options.length > OPTIONS_MAX) return false;
  return Number.isInteger(correct) && (correct as number) >= 0 && (correct as number) < options.length;
}

/** Only the six keys of the model, in its order. */
export const quizQuestion = (value: QuizQuestion): QuizQuestion => ({
  question: value.question,
  options: [...value.options],
  correct_answer_index: value.correct_answer_index,
  explanation: value.explanation,
  difficulty: value.difficulty,
  related_section: value.related_section,
});

/** Integral numbers, and texts of digits with optional `.` and zeros; null for anything else. */
export function answerIndexOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isInteger(value) && value >= 0 ? value : null;
  return typeof value === "string" && /^\d+(?:\.0*)?$/.test(value) ? Number(value) : null;
}
