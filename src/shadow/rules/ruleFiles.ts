// Rules that an operator keeps in YAML files (shadow N4): all that is wrong with them at once, each at its place.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type ConfigProblem, ConfigProblems, readDocument } from "../../config/index.ts";
import { createNormaliser, type NormaliserTable } from "../compare/normalisers.ts";
import { type ComparisonRule, ruleSchema } from "./rule.ts";

const RULES_MAX = 500;
const EXPECTED = "rules: [{ id, owner, reason, on, … }]";
/** What the reader of a document says of one without keys. */
const EMPTY: ReadonlySet<string> = new Set(["the file is empty", "not a mapping"]);
const hidesSchema = z.array(z.string().min(1).max(200)).max(1_000);

export interface RuleFile {
  readonly rules: readonly ComparisonRule[];
  /** Fixtures of which it is known, and wanted, that these rules hide what differs in them. */
  readonly hides: readonly string[];
}

/** What the file must fit to; without it only the file itself is judged. */
export interface RuleSurroundings {
  readonly normalisers?: NormaliserTable;
  /** Where each id stands already. */
  readonly taken?: ReadonlyMap<string, string>;
}

/** @throws ConfigProblems of the first file that cannot be used */
export const readRuleFiles = (files: readonly string[]): readonly ComparisonRule[] =>
  files.flatMap((file) => readRuleFile(file).rules);

/** @throws ConfigProblems */
export function readRuleFile(file: string, surroundings: RuleSurroundings = {}): RuleFile {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    const problem = { what: `cannot be read (${code})`, expected: "a file with rules" };
    throw new ConfigProblems(file, [{ severity: "error", line: 1, col: 1, path: "", ...problem }]);
  }
  return parseRules(source, file, surroundings);
}

/** Of a text at hand; `file` only names it. @throws ConfigProblems */
export function parseRules(
  source: string,
  file: string,
  { normalisers, taken = new Map() }: RuleSurroundings = {},
): RuleFile {
  const { tree, problems, valueAt, keyAt } = readDocument(source);
  // `on` is a switch to older readers of YAML, to this one it is the word that rules begin with.
  const found: ConfigProblem[] = problems
    .filter(({ path }) => !/^rules\[\d+\]\.on$/.test(path))
    .map((one) => (EMPTY.has(one.what) ? { ...one, expected: EXPECTED } : one));
  const add = (path: Path, what: string, expected: string, place = valueAt(path)): void => {
    found.push({ severity: "error", ...place, path: textOf(path), what, expected });
  };
  for (const key of Object.keys(tree ?? {})) {
    if (key !== "rules" && key !== "hides") add([key], "unknown key", "rules, hides", keyAt([key]));
  }
  const list: unknown = tree?.["rules"];
  const rules: ComparisonRule[] = [];
  const places: number[] = [];
  if (tree !== null && !Array.isArray(list)) add(["rules"], "has no list of rules", EXPECTED);
  for (const [at, one] of (Array.isArray(list) ? list : []).slice(0, RULES_MAX).entries()) {
    const read = ruleSchema.safeParse(one);
    if (read.success) places[rules.push(read.data) - 1] = at;
    else
      for (const issue of read.error.issues)
        add(["rules", at, ...issue.path.map(keyOf)], issue.message, "see docs/shadow.md");
  }
  if (Array.isArray(list) && list.length > RULES_MAX)
    add(["rules", RULES_MAX], "too many rules", `at most ${RULES_MAX}`);
  for (const [at, { id, compare = [] }] of rules.entries()) {
    const path: Path = ["rules", places[at] ?? at];
    if (rules.findIndex((other) => other.id === id) !== at) add([...path, "id"], `${id} stands twice`, "each id once");
    const where = taken.get(id);
    if (where !== undefined) add([...path, "id"], `${id} stands in ${where} already`, "each id once");
    for (const [which, call] of compare.entries()) {
      const wrong = normalisers === undefined ? null : faultOf(call, normalisers);
      if (wrong !== null) add([...path, "compare", which], wrong, "see docs/shadow.md");
    }
  }
  const hides = hidesSchema.safeParse(tree?.["hides"] ?? []);
  if (!hides.success) add(["hides"], "no list of names", "hides: [name of a fixture, …]");
  if (found.some(({ severity }) => severity === "error")) throw new ConfigProblems(file, found);
  return { rules, hides: hides.data ?? [] };
}

type Path = readonly (string | number)[];

const keyOf = (key: PropertyKey): string | number => (typeof key === "number" ? key : String(key));

const textOf = (path: Path): string =>
  path.map((part, at) => (typeof part === "number" ? `[${part}]` : at === 0 ? part : `.${part}`)).join("");

function faultOf(call: string, table: NormaliserTable): string | null {
  try {
    createNormaliser(call, table);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : "no normaliser";
  }
}
