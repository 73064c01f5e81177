import { readFileSync } from "node:fs";
import type { Config } from "./config.ts";
import { crossCheck } from "./crossChecks.ts";
import { readDocument, type SourceDocument } from "./document.ts";
import { pathText } from "./paths.ts";
import { type Effective, toEffective } from "./effective.ts";
import { freeze } from "./freeze.ts";
import { type PlacedFault, toFaults, valueIn } from "./issues.ts";
import { ConfigProblems, type ConfigProblem, sortProblems } from "./problems.ts";
import { readableUnits } from "./readableUnits.ts";
import { createConfigSchema, createSections } from "./schema.ts";
import type { SecretSource } from "./secrets.ts";
import { readOverrides, readVariables, type Setting } from "./variables.ts";

export interface LoadOptions {
  /** Path of the YAML file; also how problems and origins call it. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settings of the command line by dotted path (`arms.control.url`); they beat everything. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Flags that Node was started with; otherwise those of this process. */
  readonly nodeFlags?: readonly string[];
}

export interface Loaded {
  readonly config: Config;
  readonly effective: Effective;
  /** Legal and risky: said at start (security F19). */
  readonly warnings: readonly ConfigProblem[];
  /** Where a setting was made, for problems that show only later: `admin.listen`. */
  locate(path: string): Pick<ConfigProblem, "line" | "col" | "variable">;
}

/**
 * Reads the configuration: defaults, then file, then variables, then overrides (ux.md §4). The result is frozen.
 * @throws ConfigProblems with everything that is wrong at once
 */
export function loadConfig(options: LoadOptions): Loaded {
  return parseConfig(readSource(options.file), options);
}

/** The same for a text at hand; `file` only names it. */
export function parseConfig(source: string, options: LoadOptions): Loaded {
  const { file, env, overrides = {}, nodeFlags = process.execArgv } = options;
  const document = readDocument(source);
  const variables = readVariables(env, document.tree);
  const settings = [...variables.settings, ...readOverrides(overrides).settings];
  const merged = document.tree === null ? null : merge(document.tree, settings);
  const judged = merged === null ? [] : judge(merged, secretsFrom(env));
  const placed = judged.map((fault) => toProblem(fault, document, settings));
  const problems = sortProblems(
    withoutRepeats([...document.problems, ...variables.problems, ...parserProblems(env, nodeFlags), ...placed]),
  );
  if (merged === null || problems.some((problem) => problem.severity === "error"))
    throw new ConfigProblems(file, problems);
  const config = freeze(createConfigSchema(secretsFrom(env)).parse(merged));
  return Object.freeze({
    config,
    effective: toEffective({ file, document, settings, merged }),
    warnings: Object.freeze(problems),
    locate: (path: string) => placeOf({ path: path.split("."), at: "value" }, document, settings),
  });
}

/** With the lenient parser two readers see two requests in one text: there is no safe way to run (security F1). */
function parserProblems(env: LoadOptions["env"], nodeFlags: readonly string[]): ConfigProblem[] {
  const isLenient = (text: string): boolean => text.includes("--insecure-http-parser");
  const variable = nodeFlags.some(isLenient) ? "flag" : isLenient(env["NODE_OPTIONS"] ?? "") ? "NODE_OPTIONS" : null;
  if (variable === null) return [];
  const fault = { what: "the lenient HTTP parser is on", expected: "no --insecure-http-parser" };
  const fix = "A second request could hide in the body of the first (security F1).";
  return [{ severity: "error", line: 0, col: 0, variable, path: "", ...fault, fix }];
}

function readSource(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    const fault = {
      what: `cannot be read (${code})`,
      expected: "a configuration file",
      fix: "Name it with --config <file>.",
    };
    throw new ConfigProblems(file, [{ severity: "error", line: 1, col: 1, path: "", ...fault }]);
  }
}

const secretsFrom = (env: LoadOptions["env"]): SecretSource => ({
  variable: (name) => env[name],
  file: (path) => readFileSync(path, "utf8"),
});

function merge(tree: Record<string, unknown>, settings: readonly Setting[]): Record<string, unknown> {
  const merged = structuredClone(tree);
  for (const { path, value } of settings) {
    let node: Record<string, unknown> = merged;
    for (const part of path.slice(0, -1)) {
      const next = Object.hasOwn(node, part) ? node[part] : undefined;
      if (typeof next !== "object" || next === null) node[part] = {};
      node = node[part] as Record<string, unknown>;
    }
    node[String(path.at(-1))] = value;
  }
  return merged;
}

/** The schema's findings and those between sections; a section that cannot be read does not hide the others. */
function judge(merged: Record<string, unknown>, secrets: SecretSource): PlacedFault[] {
  const schema = createSections(secrets);
  const whole = schema.safeParse(merged);
  if (whole.success) return crossCheck(whole.data, (path) => valueIn(merged, path) !== undefined);
  const faults = toFaults(whole.error.issues, merged);
  const units = readableUnits(
    merged["units"],
    faults.map((fault) => fault.path),
  );
  const rest: Record<string, unknown> = { ...merged, units: units.raw };
  const readable: Record<string, unknown> = {};
  for (const [key, section] of Object.entries(schema.shape)) {
    const read = section.safeParse(rest[key]);
    if (read.success) readable[key] = read.data;
  }
  const between = crossCheck(readable, (path) => valueIn(rest, path) !== undefined);
  return [...faults, ...between.map((fault) => ({ ...fault, path: units.restore(fault.path) }))];
}

function toProblem(placed: PlacedFault, document: SourceDocument, settings: readonly Setting[]): ConfigProblem {
  const severity = placed.isWarning ? "warning" : "error";
  return { severity, ...placeOf(placed, document, settings), path: pathText(placed.path), ...placed.fault };
}

/** A setting of a variable has no line: its name is its place. */
function placeOf(
  { path, at }: Pick<PlacedFault, "path" | "at">,
  document: SourceDocument,
  settings: readonly Setting[],
): Pick<ConfigProblem, "line" | "col" | "variable"> {
  const setting = settings.findLast((one) => one.path.every((part, i) => path[i] === part));
  if (setting) return { line: 0, col: 0, variable: setting.name };
  return at === "key" ? document.keyAt(path) : document.valueAt(path);
}

/** A word that is a trap is also the wrong kind of value: once is enough, the document says why. */
function withoutRepeats(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = problem.variable ?? `${problem.line}:${problem.col} ${problem.path}`;
    const isFirst = problem.path === "" || !seen.has(key);
    seen.add(key);
    return isFirst;
  });
}
