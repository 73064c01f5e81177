// Replies of the kinds that answer with plain text (contract services.md §§2, 8, 13).
import { quote } from "./executor.ts";
import { codePointLength, frequentWords, wordsOf } from "./words.ts";

type Input = Readonly<Record<string, unknown>>;

interface File {
  readonly name: string;
  readonly text: string;
}

const SUMMARY_WORDS_MAX = 30;

function filesOf(input: Input): File[] {
  const list = Array.isArray(input["files"]) ? (input["files"] as readonly unknown[]) : [];
  return list.map((item) => {
    const { name, text } = (typeof item === "object" && item !== null ? item : {}) as Input;
    return { name: typeof name === "string" ? name : "file", text: typeof text === "string" ? text : "" };
  });
}

/** The five headings, each on its own line, with the five most frequent words of at least five letters. */
export function documentAnalysis(input: Input): string {
  const files = filesOf(input);
  const everything = files.map((file) => file.text).join("\n");
  const concepts = frequentWords(everything, 5, 5);
  const counts = Map.groupBy(wordsOf(everything), (word) => word);
  const times = (word: string): number => counts.get(word)?.length ?? 0;
  return [
    "KEY CONCEPTS:",
    ...concepts.map((word) => `- ${word}`),
    "CONCEPT DETAILS:",
    ...concepts.map((word) => `- ${word} appears ${times(word)} times`),
    "KEY TERMS GLOSSARY:",
    ...concepts.map((word) => `${word}: a term used ${times(word)} times`),
    "FILES:",
    ...files.map((file) => file.name),
    "FILE METADATA:",
    ...files.map((file) => `${file.name}: ${codePointLength(file.text)} characters`),
  ].join("\n");
}

export function logSummary(input: Input): string {
  const chunk = typeof input["chunk"] === "string" ? input["chunk"] : "";
  const words = chunk.split(/\s+/).filter((word) => word !== "");
  return words.slice(0, SUMMARY_WORDS_MAX).join(" ");
}

/** Two sentences quoting the message. */
export const companionReply = (message: string): string =>
  `You wrote "${quote(message)}", and that is a good place to start. What would you like to find out next?`;
