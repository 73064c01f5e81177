// Replies of the JSON kinds: small valid objects built from the words of the input (contract services.md §§2, 6, 9, 13).
import { frequentWords } from "./words.ts";

type Input = Readonly<Record<string, unknown>>;
type Build = (input: Input, words: readonly string[]) => unknown;

const text = (value: unknown, fallback: string): string =>
  typeof value === "string" && value.trim() !== "" ? value : fallback;

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string" && item.trim() !== "") : [];

const member = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Input)[key] : undefined;

const titled = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

const wordAt = (words: readonly string[], i: number): string => words[i % Math.max(1, words.length)] ?? "basics";

const planner: Build = ({ next, mastered }, words) => {
  const topic = texts(next)[0] ?? titled(wordAt(words, 0));
  return {
    topic,
    learning_goal: `Explain ${topic} in your own words`,
    priority: 3,
    relevant_concepts: words.slice(0, 3),
    suggested_approach: texts(mastered).length > 0 ? "build on what is mastered" : "start with an example",
    target_mastery: 0.8,
    initial_difficulty: "easy",
  };
};

function section(concept: string, position: number): unknown {
  return {
    title: titled(concept),
    objectives: [{ title: `Know ${concept}`, description: `Describe ${concept} and give an example`, priority: 1 }],
    estimated_duration_minutes: 10 + 5 * position,
    concepts_to_cover: [concept],
    prerequisites: [],
    is_optional: false,
  };
}

const lessonPlan: Build = ({ focus, key_concepts }, words) => {
  const concepts = texts(key_concepts).slice(0, 3);
  const topics = concepts.length > 0 ? concepts : words.slice(0, 3);
  const title = text(member(focus, "topic"), titled(wordAt(words, 0)));
  return {
    title: `Lesson: ${title}`,
    description: `A short path through ${title}.`,
    target_audience: "beginners",
    prerequisites: [],
    sections: (topics.length > 0 ? topics : ["basics"]).map(section),
    additional_resources: [],
  };
};

const lesson: Build = ({ section: part }, words) => {
  const title = text(member(part, "title"), titled(wordAt(words, 0)));
  return { title, topic: title, text: `${title} is best understood step by step. Think of ${wordAt(words, 1)} first.` };
};

function quizQuestion(topic: string, difficulty: string, i: number): unknown {
  const options = ["first", "second", "third", "fourth"].map((place) => `The ${place} statement about ${topic}`);
  return {
    question: `Question ${i + 1}: which statement about ${topic} is right?`,
    options,
    correct_answer_index: i % 4,
    explanation: `${options[i % 4]} is the one that holds.`,
    difficulty,
    related_section: topic,
  };
}

const QUESTIONS_MAX = 10;

const quiz: Build = ({ topic: given, question_count, difficulty }, words) => {
  const topic = text(given, titled(wordAt(words, 0)));
  const asked = typeof question_count === "number" && question_count >= 1 ? Math.floor(question_count) : 1;
  return {
    title: `Quiz: ${topic}`,
    description: `Check what you know about ${topic}.`,
    lesson_title: topic,
    questions: Array.from({ length: Math.min(asked, QUESTIONS_MAX) }, (_, i) =>
      quizQuestion(topic, text(difficulty, "easy"), i),
    ),
  };
};

const sessionAnalysis: Build = (_, words) => {
  const topic = wordAt(words, 0);
  return {
    overall_effectiveness: 50 + 10 * Math.min(4, words.length),
    strengths: [`Stayed with ${topic}`],
    improvement_areas: [`Practise ${wordAt(words, 1)}`],
    lesson_plan_quality: 70,
    lesson_plan_insights: [`The plan covered ${topic}`],
    content_quality: 75,
    content_insights: [`Examples of ${topic} helped`],
    quiz_quality: 70,
    quiz_insights: ["The questions matched the text"],
    student_performance: 65,
    learning_insights: [
      { topic, observation: `Asked about ${topic}`, strength: true, recommendation: `Go deeper into ${topic}` },
    ],
    teaching_effectiveness: 70,
    teaching_insights: [
      {
        approach: "small steps",
        effectiveness: 80,
        evidence: `Answers about ${topic}`,
        suggestion: "Ask back more often",
      },
    ],
    recommendations: [`Review ${topic} tomorrow`],
    recommended_adjustments: ["Shorter explanations"],
    suggested_resources: [],
  };
};

const BUILDERS: Readonly<Record<string, Build>> = {
  "planner/1": planner,
  "lesson_plan/1": lessonPlan,
  "lesson/1": lesson,
  "quiz/1": quiz,
  "session_analysis/1": sessionAnalysis,
};

/** Only the values speak: the input's own key names are the same in every call. */
function textWithin(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? Object.values(value).map(textWithin).join(" ") : "";
}

/** The reply object of a JSON kind as text, or null when the kind is not one of them. */
export function jsonKindReply(kind: string, input: Input): string | null {
  const build = BUILDERS[kind];
  return build ? JSON.stringify(build(input, frequentWords(textWithin(input), 5, 5))) : null;
}
