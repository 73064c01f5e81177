// The executor's replies: which tool a message asks for (rows of contract services.md §13 below the `!` fault words).
import { jsonPrefix } from "./jsonPrefix.ts";
import { firstCodePoints, foldAscii, topicOf } from "./words.ts";

const QUOTE_MAX = 60;
/** Tool results are quoted whole as far as possible, so that a client can see what a silent tool returned. */
const RESULT_QUOTE_MAX = 4_000;

export interface ExecutorInput {
  readonly key: string;
  /** The last `user` message. */
  readonly message: string;
  /** Content of the last `Tool result …` message after it, or null. */
  readonly toolResult: string | null;
}

const call = (name: string, args: unknown): string => JSON.stringify({ name, args });

export const quote = (text: string): string => firstCodePoints(text, QUOTE_MAX);

const explain = (text: string, topic: string): string => call("explain", { text, title: "A closer look", topic });

/** Key as a number mod 16: a little variety that repeats exactly. */
const digitOf = (key: string): number => Number.parseInt(key.slice(-1), 16);

function draw({ key, message }: ExecutorInput): string {
  const offset = digitOf(key) * 20;
  return call("draw", {
    objects: [
      { kind: "rect", x: 40 + offset, y: 40 + offset, width: 240, height: 120, fill: "#E3F2FD", stroke: "#1976D2" },
      { kind: "text", x: 56 + offset, y: 56 + offset, text: quote(message), fontSize: 16, fill: "#000000" },
    ],
  });
}

function askQuestion({ key, message }: ExecutorInput): string {
  const topic = topicOf(message);
  const correct = digitOf(key) % 4;
  const options = ["first", "second", "third", "fourth"].map((place) => `The ${place} statement about ${topic}`);
  const question_data = {
    question: `Which statement about ${topic} is right?`,
    options,
    correct_answer_index: correct,
    explanation: `${options[correct]} is the one that holds.`,
    difficulty: "easy",
    related_section: topic,
  };
  return call("ask_question", { question_data, topic });
}

const NAMED = /\[(?:click|answer)\]|\[action\] summary/;

function chosenTool(message: string): string | null {
  const start = message.indexOf("!tool=");
  if (start < 0) return null;
  const [, name = "", rest = ""] = /^!tool=(\S+)([^]*)$/.exec(message.slice(start)) ?? [];
  if (name === "") return null;
  return `{"name":${JSON.stringify(name)},"args":${jsonPrefix(rest) ?? "{}"}}`;
}

const threeSentences = (message: string): string =>
  `You said: "${quote(message)}". Let us take ${topicOf(message)} one small step at a time. What do you notice first?`;

/** A complete explanation of a message; also what a truncated reply stops inside of. */
export const explainMessage = (message: string): string => explain(threeSentences(message), topicOf(message));

/** The reply text, a tool call as JSON. */
export function executorReply(input: ExecutorInput): string {
  const { message, toolResult } = input;
  if (toolResult !== null) {
    return explain(`The tool answered: ${firstCodePoints(toolResult, RESULT_QUOTE_MAX)}`, topicOf(message));
  }
  const tool = chosenTool(message);
  if (tool !== null) return tool;
  if (message.includes("!board")) return call("get_board_state", {});
  const folded = foldAscii(message);
  if (folded.includes("draw") || folded.includes("sketch")) return draw(input);
  if (folded.includes("quiz") || folded.includes("ask me")) return askQuestion(input);
  if (folded.includes("goodbye")) return call("end_session", { reason: "completed" });
  if (NAMED.test(message)) return explain(`This is about ${quote(message)}.`, topicOf(message));
  return explainMessage(message);
}
