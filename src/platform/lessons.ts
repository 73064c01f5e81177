/** What the students of the demo talk about: enough variety to see, little enough to stay quick. */
export interface Lesson {
  readonly folder: string;
  readonly questions: readonly string[];
}

export const LESSONS: readonly Lesson[] = [
  {
    folder: "Biology",
    questions: [
      "What is osmosis?",
      "Why do plants need light to grow?",
      "How does a cell get rid of what it does not need?",
      "Can you ask me a question about cells?",
    ],
  },
  {
    folder: "Physics",
    questions: [
      "Why does a ball fall as fast as a stone?",
      "What is the difference between speed and acceleration?",
      "Please draw the forces on a book that lies on a table.",
      "Quiz me on Newton's laws.",
    ],
  },
  {
    folder: "Mathematics",
    questions: [
      "How do I solve 3x + 4 = 19?",
      "What does the slope of a line tell me?",
      "Please show me a parabola on the board.",
      "Give me an exercise with fractions.",
    ],
  },
  {
    folder: "History",
    questions: [
      "Why did cities grow along rivers?",
      "What changed when books could be printed?",
      "Explain what a constitution is for.",
      "Ask me something about the Middle Ages.",
    ],
  },
];
