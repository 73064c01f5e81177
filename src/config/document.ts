import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
  visit,
} from "yaml";
import type { ConfigProblem, Fault } from "./problems.ts";

export type Path = readonly (string | number)[];
export interface Place {
  readonly line: number;
  readonly col: number;
}

/** A YAML text as plain data that still knows where everything stands. */
export interface SourceDocument {
  /** null when the text cannot be read as one mapping. */
  readonly tree: Record<string, unknown> | null;
  readonly problems: readonly ConfigProblem[];
  /** The value at `path`; what is missing is placed at the nearest parent that stands in the file. */
  valueAt(path: Path): Place;
  /** The key of the last element of `path`. */
  keyAt(path: Path): Place;
  has(path: Path): boolean;
}

// security §11: a configuration is small, flat and repeats little; anything else is a mistake or an attack.
const BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 32;
const ALIASES_MAX = 100;

export const pathText = (path: Path): string =>
  path.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");

export function readDocument(source: string): SourceDocument {
  if (Buffer.byteLength(source) > BYTES_MAX)
    return unreadable({ what: "larger than 1 MiB", expected: "at most 1 MiB" });
  if (isTooDeep(source)) return unreadable(TOO_DEEP);
  const lines = new LineCounter();
  const doc = parse(source, lines);
  if (doc === null) return unreadable(TOO_DEEP);
  const place = (offset: number): Place => {
    const at = lines.linePos(offset);
    return { line: Math.max(1, at.line), col: Math.max(1, at.col) };
  };
  const problems = [...doc.errors, ...doc.warnings].map((error) => explainError(error, source, place(error.pos[0])));
  for (const [i, error] of doc.errors.entries()) {
    if (error.code === "DUPLICATE_KEY")
      problems[i] = { ...(problems[i] as ConfigProblem), path: keyPathAt(doc, error.pos[0]) };
  }
  problems.push(...limitProblems(doc, place));
  const isReadable = doc.errors.every((error) => error.code === "DUPLICATE_KEY") && !problems.some(isLimit);
  if (isReadable) problems.push(...trapProblems(doc, place));
  return { tree: isReadable ? toTree(doc, problems) : null, problems, ...locator(doc, place) };
}

const isLimit = (problem: ConfigProblem): boolean => problem.what === TOO_DEEP.what || problem.what.endsWith("aliases");

const TOO_DEEP: Fault = { what: "nested deeper than 32", expected: `at most ${DEPTH_MAX} levels` };

function unreadable(fault: Fault): SourceDocument {
  const start: Place = { line: 1, col: 1 };
  const problem: ConfigProblem = { severity: "error", ...start, path: "", ...fault };
  return { tree: null, problems: [problem], valueAt: () => start, keyAt: () => start, has: () => false };
}

/** null when the nesting exhausts the stack; `isTooDeep` sees most of those before. */
function parse(source: string, lineCounter: LineCounter): Document.Parsed | null {
  try {
    return parseDocument(source, { lineCounter, prettyErrors: false });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Before the parser, which calls itself per level: brackets outside quotes and comments, and dashes in a row. */
function isTooDeep(source: string): boolean {
  for (const line of source.split("\n")) if (/^(?:\s*-\s){33}/.test(line)) return true;
  let depth = 0;
  for (const [token] of source.matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'|#.*|[[{\]}]/g)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth = Math.max(0, depth - 1);
    if (depth > DEPTH_MAX * 4) return true;
  }
  return false;
}

function toTree(doc: Document.Parsed, problems: ConfigProblem[]): Record<string, unknown> | null {
  const start = { severity: "error", line: 1, col: 1, path: "" } as const;
  if (doc.contents === null || (isScalar(doc.contents) && doc.contents.value === null)) {
    problems.push({ ...start, what: "the file is empty", expected: "at least arms and identity" });
    return null;
  }
  if (!isMap(doc.contents)) {
    problems.push({ ...start, what: "not a mapping", expected: "keys such as listen, arms, units" });
    return null;
  }
  try {
    return doc.toJS({ maxAliasCount: ALIASES_MAX + 1 }) as Record<string, unknown>;
  } catch (error) {
    // The parser counts the anchor too. Few aliases that multiply each other, or one without its anchor: nothing else makes the parser throw here.
    if (!(error instanceof ReferenceError)) throw error;
    problems.push({
      ...start,
      what: "aliases cannot be resolved",
      expected: `anchors for all, at most ${ALIASES_MAX} copies`,
    });
    return null;
  }
}

function keyPathAt(doc: Document.Parsed, offset: number): string {
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

function limitProblems(doc: Document.Parsed, place: (offset: number) => Place): ConfigProblem[] {
  let aliases = 0;
  let deep: Node | null = null;
  visit(doc, (_key, node, parents) => {
    if (isAlias(node)) aliases += 1;
    const levels = parents.filter((parent) => isMap(parent) || isSeq(parent)).length;
    if (levels < DEPTH_MAX || !(isMap(node) || isSeq(node))) return undefined;
    deep = node;
    return visit.BREAK;
  });
  const found: ConfigProblem[] = [];
  if (deep !== null) found.push({ severity: "error", ...place(startOf(deep)), path: "", ...TOO_DEEP });
  if (aliases > ALIASES_MAX) {
    found.push({
      severity: "error",
      line: 1,
      col: 1,
      path: "",
      what: `${aliases} aliases`,
      expected: `at most ${ALIASES_MAX}`,
    });
  }
  return found;
}

const startOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;

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

function explainError(error: YAMLError, source: string, at: Place): ConfigProblem {
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
function trapProblems(doc: Document.Parsed, place: (offset: number) => Place): ConfigProblem[] {
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

function locator(doc: Document.Parsed, place: (offset: number) => Place) {
  const nodeAt = (path: Path): unknown => (path.length === 0 ? doc.contents : doc.getIn(path, true));
  const keyNode = (path: Path): unknown => {
    const parent = nodeAt(path.slice(0, -1));
    const name = path.at(-1);
    if (!isMap(parent)) return undefined;
    return parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(name))?.key;
  };
  const keyAt = (path: Path): Place => {
    for (let rest = path; rest.length > 0; rest = rest.slice(0, -1)) {
      const node = keyNode(rest) ?? nodeAt(rest);
      if (node) return place(startOf(node));
    }
    return { line: 1, col: 1 };
  };
  return {
    keyAt,
    valueAt(path: Path): Place {
      const node = nodeAt(path);
      // An empty value has a place only by name; a missing one is placed at the key of its parent.
      return node && !(isScalar(node) && node.source === "") ? place(startOf(node)) : keyAt(path);
    },
    has: (path: Path): boolean => nodeAt(path) !== undefined,
  };
}
