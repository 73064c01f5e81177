import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml";
import type { Path, Place } from "./paths.ts";
import type { ConfigProblem, Fault } from "./problems.ts";
import { explainError, keyPathAt, startOf, trapProblems } from "./yamlFaults.ts";

/** A YAML text as plain data that still knows where everything stands. */
export interface SourceDocument {
  /** null when the text cannot be read as one mapping. */
  readonly tree: Record<string, unknown> | null;
  readonly problems: readonly ConfigProblem[];
  /** The value at `path`; what is missing is placed at the nearest parent that stands in the file. */
  valueAt(path: Path): Place;
  /** The key of the last element of `path`. */
  keyAt(path: Path): Place;
}

// security §11: a configuration is small, flat and repeats little; anything else is a mistake or an attack.
const BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 32;
const ALIASES_MAX = 100;

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
  return { tree: null, problems: [problem], valueAt: () => start, keyAt: () => start };
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
  };
}
