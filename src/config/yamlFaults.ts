import { type Document, isPair, isScalar, isSeq, type Node, visit, type YAMLError } from "yaml";
import { type Path, pathText, type Place } from "./paths.ts";
import type { ConfigProblem, Fault } from "./problems.ts";

export const startOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;

const EXPLAINED: Readonly<Record<string, Fault>> = {
  DUPLICATE_KEY: {
    what: "the key stands twice",
    expected: "each key once",
    fix: "One of the two values would silently win.",
  },
  TAB_AS_INDENT: {
    what: "a tab indents this line",
    expected: "blanks",
    fix: "YAML does not allow tabs as indentation.",
  },
  MULTIPLE_DOCS: { what: "a second document starts", expected: "one document without further ---" },
};

export function explainError(error: YAMLError, source: string, at: Place): ConfigProblem {
  const known = EXPLAINED[error.code];
  const line = source.split("\n")[at.line - 1] ?? "";
  // A line that may hold a secret is not repeated, nor what the parser says about its words (security D4).
  const isDelicate = /secret|token|password/i.test(line);
  const fault = known ?? {
    what: isDelicate ? "not readable as YAML" : `not readable: ${error.message.split("\n")[0]}`,
  };
  const excerpt = error.code === "DUPLICATE_KEY" || isDelicate ? {} : { excerpt: caret(line, at.col) };
  return { severity: "error", ...at, path: "", ...fault, ...excerpt };
}

/** Long lines are cut around the fault; a tab takes one column, so that the caret stands below it. */
function caret(line: string, col: number): string {
  const from = Math.max(0, col - 40);
  return `${line.slice(from, from + 76).replaceAll("\t", " ")}\n${" ".repeat(Math.max(0, col - 1 - from))}^`;
}

const SWITCH_WORDS = /^(?:y|yes|n|no|on|off)$/i;
const DATE = /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?$/;
const OCTAL = /^[-+]?0\d+$/;

/** Plain words that YAML 1.1 and 1.2 read differently: two tools would see two configurations. */
export function trapProblems(doc: Document.Parsed, place: (offset: number) => Place): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  visit(doc, {
    Scalar(key, node, parents) {
      const text = node.source ?? "";
      if (node.type !== "PLAIN") return;
      const fault = key === "key" && text === "__proto__" ? { what: "no name for a key" } : trapOf(text);
      if (fault !== null)
        found.push({ severity: "error", ...place(startOf(node)), path: pathText(pathOf(key, parents)), ...fault });
    },
  });
  return found;
}

function trapOf(text: string): Fault | null {
  if (SWITCH_WORDS.test(text)) {
    const meant = /^(?:y|yes|on)$/i.test(text) ? "true" : "false";
    return { what: `${text} is a switch to some`, expected: `${meant} for a switch, "${text}" in quotes for a text` };
  }
  if (DATE.test(text)) return { what: `${text} is a date to some`, expected: `quotes: "${text}"` };
  if (OCTAL.test(text))
    return { what: `${text} is octal to some`, expected: `${Number(text)}, or "${text}" in quotes for a text` };
  return null;
}

function pathOf(key: number | "key" | "value" | null, parents: readonly unknown[]): Path {
  const path: (string | number)[] = [];
  for (const [i, parent] of parents.entries()) {
    if (isPair(parent) && isScalar(parent.key)) path.push(String(parent.key.value));
    const next = parents[i + 1];
    if (isSeq(parent)) path.push(next === undefined ? Number(key) : parent.items.indexOf(next));
  }
  return path;
}

/** Path of the key that starts at `offset`. */
export function keyPathAt(doc: Document.Parsed, offset: number): string {
  let found = "";
  visit(doc, {
    Scalar(key, node, parents) {
      if (key !== "key" || startOf(node) !== offset) return undefined;
      found = pathText(pathOf(key, parents));
      return visit.BREAK;
    },
  });
  return found;
}
