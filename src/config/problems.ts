/** One thing that is wrong, where it stands and what to write instead. */
export interface ConfigProblem {
  readonly severity: "error" | "warning";
  /** 1-based; 0 when a variable or a flag of the command line is at fault. */
  readonly line: number;
  readonly col: number;
  /** Where the value came from when it did not come from the file: `SWITCHYARD__LISTEN`. */
  readonly variable?: string;
  /** `units.tutoring.routes[3].kind`; empty for the file as a whole. */
  readonly path: string;
  readonly what: string;
  readonly expected?: string;
  readonly didYouMean?: string;
  readonly fix?: string;
  /** The line of the file and a caret under the fault; only where the text itself cannot be read. */
  readonly excerpt?: string;
}

/** What a reader of one value or a check between values has to say; place and severity are added later. */
export type Fault = Pick<ConfigProblem, "what"> & Partial<Pick<ConfigProblem, "expected" | "didYouMean" | "fix">>;

/** Thrown by `loadConfig` with everything that is wrong at once (house.md §4). Nothing was applied. */
export class ConfigProblems extends Error {
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(formatProblems(file, problems));
    this.name = "ConfigProblems";
    this.file = file;
    this.problems = problems;
  }
}

const SHOWN_MAX = 20;
/** Wider texts would push the second column off the screen: they stand alone and the rest goes below. */
const WHAT_WIDTH = 24;
const GAP = 3;
const EXIT_COLUMN = 87;

/** Warnings first, so that errors are last and loudest; by line within each, variables after the file (ux.md §4). */
export function sortProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const rank = (problem: ConfigProblem): number => (problem.severity === "warning" ? 0 : 1);
  const line = (problem: ConfigProblem): number => (problem.variable ? Number.MAX_SAFE_INTEGER : problem.line);
  return [...problems].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      line(a) - line(b) ||
      a.col - b.col ||
      compare(a.variable ?? "", b.variable ?? "") ||
      compare(a.path, b.path),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The text of `validate` (ux.md §3): place, path, what is wrong, what was expected; then the fix. */
export function formatProblems(file: string, problems: readonly ConfigProblem[]): string {
  const sorted = sortProblems(problems);
  const shown = pickShown(sorted);
  const placeWidth = widest(shown.map(place));
  const pathWidth = widest(shown.map((problem) => problem.path || "(file)"));
  const lines = [headline(file, sorted)];
  for (const problem of shown) lines.push(...formatOne(problem, placeWidth, pathWidth));
  if (sorted.length > shown.length) lines.push(`  and ${sorted.length - shown.length} more`);
  return lines.join("\n");
}

/** Errors are what stops the start: when not all fit, warnings give way first. */
function pickShown(sorted: readonly ConfigProblem[]): readonly ConfigProblem[] {
  if (sorted.length <= SHOWN_MAX) return sorted;
  const errors = sorted.filter((problem) => problem.severity === "error").slice(0, SHOWN_MAX);
  const warnings = sorted.filter((problem) => problem.severity === "warning").slice(0, SHOWN_MAX - errors.length);
  return [...warnings, ...errors];
}

function headline(file: string, sorted: readonly ConfigProblem[]): string {
  const errors = sorted.filter((problem) => problem.severity === "error").length;
  const counts = [count(errors, "problem"), count(sorted.length - errors, "warning")].filter((text) => text !== "");
  const head = `${file}: ${counts.join(", ") || "fine"}`;
  return errors === 0 ? head : `${head.padEnd(EXIT_COLUMN - GAP)}${" ".repeat(GAP)}exit 3`;
}

const count = (n: number, noun: string): string => (n === 0 ? "" : `${n} ${noun}${n === 1 ? "" : "s"}`);

const place = (problem: ConfigProblem): string => problem.variable ?? `${problem.line}:${problem.col}`;

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length)) + GAP;

function formatOne(problem: ConfigProblem, placeWidth: number, pathWidth: number): string[] {
  const indent = 2 + placeWidth + pathWidth;
  const start = `  ${place(problem).padEnd(placeWidth)}${(problem.path || "(file)").padEnd(pathWidth)}`;
  const what = problem.severity === "warning" ? `warning: ${problem.what}` : problem.what;
  const hint = problem.didYouMean === undefined ? problem.expected : `did you mean "${problem.didYouMean}"?`;
  const below = problem.didYouMean === undefined ? [] : [problem.expected];
  const isBeside = hint !== undefined && what.length <= WHAT_WIDTH;
  const first = isBeside ? `${start}${what.padEnd(WHAT_WIDTH + GAP)}${hint}` : `${start}${what}`;
  const rest = [isBeside ? undefined : hint, ...below, problem.fix, ...(problem.excerpt?.split("\n") ?? [])];
  return [first, ...rest.filter((text) => text !== undefined).map((text) => `${" ".repeat(indent)}${text}`)];
}

/** The nearest of `known`, when it is near enough to be a slip of the keyboard. */
export function closest(
  word: string,
  known: Iterable<string>,
  distance: (a: string, b: string) => number,
): string | null {
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const away = distance(word.toLowerCase(), candidate.toLowerCase());
    if (away < bestDistance) [best, bestDistance] = [candidate, away];
  }
  return bestDistance <= Math.max(2, Math.floor(word.length / 3)) ? best : null;
}
