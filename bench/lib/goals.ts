import type { Row, Rows } from "./results.ts";
import { rounded } from "./rows.ts";

/** What both arms do in the part `arms` (performance.md P9). */
export const ARM_OPERATIONS = [
  "session-create",
  "folder-list",
  "message-history",
  "tutor-turn",
  "whiteboard-fan-out",
] as const;
export type ArmOperation = (typeof ARM_OPERATIONS)[number];

/** A goal of performance.md that a part's rows answer. */
interface Goal {
  readonly part: string;
  readonly id: string;
  readonly what: string;
  readonly row: string;
  readonly value: (row: Row) => number | undefined;
  readonly isMet: (value: number) => boolean;
  readonly goal: string;
  /** Not asked on machines with fewer cores. */
  readonly coresMin?: number;
}

const ratio = (id: string, part: string, row: string, peer: string, least: number): Goal => ({
  part,
  id,
  what: `\`${row}\` ÷ \`${peer}\``,
  row,
  value: (found) => found.ratios[peer],
  isMet: (value) => value >= least,
  goal: `≥ ${least}`,
});

const added = (row: string, most: number): Goal => ({
  part: "rest",
  id: "P4",
  what: `\`${row}\`, added ms`,
  row,
  value: (found) => found.absolute,
  isMet: (value) => value <= most,
  goal: `≤ ${most}`,
});

/** embedded-convex.md §9: number of the goal and milliseconds at most, by row of the part `convex`. */
export const CONVEX_GOALS: Readonly<Record<string, readonly [number: number, mostMs: number]>> = {
  "take-10-of-50000": [1, 0.25],
  "100-mutations-of-one-document": [2, 25],
  "2000-mutations": [3, 250],
  "http-mutation-p50": [4, 1],
  "http-query-p50": [4, 0.65],
  "own-write-seen-p50": [4, 0.5],
  "write-seen-by-50-p50": [5, 17],
  "board-append-p50": [11, 1.5],
  "board-load-250-updates": [11, 35],
  "board-load-snapshot": [11, 10],
};

const embedded = (number: number, part: string, row: string, what: string, most: number): Omit<Goal, "value"> => ({
  part,
  id: `P10.${number}`,
  what: `\`${row}\`${what}`,
  row,
  isMet: (value) => value <= most,
  goal: `≤ ${most}`,
});

const growth = (part: string, row: string): Goal => ({
  ...embedded(6, part, row, ", second half in % of the first", 105),
  value: (found) => found.absolute,
});

const EMBEDDED: readonly Goal[] = [
  ...Object.entries(CONVEX_GOALS).map(([row, [number, mostMs]]) => ({
    ...embedded(number, "convex", row, ", ms", mostMs),
    value: (found: Row) => found.absolute,
  })),
  {
    ...embedded(1, "convex", "take-10-of-50000", " ÷ `take-10-of-1000`", 1.5),
    // The row's own ratio has more as the better.
    value: ({ ratios: { "take-10-of-1000": few } }) => (few === undefined ? undefined : rounded(1 / few)),
  },
  growth("convex", "heap-60000-operations"),
  growth("convex-soak", "heap-soak"),
];

const ARM_GOALS: readonly Goal[] = [
  ...ARM_OPERATIONS.map((name) => ratio("P9", "arms", `candidate-${name}`, `legacy-${name}`, 1)),
  ratio("P9", "arms", "candidate-geometric-mean", "legacy-geometric-mean", 3),
];

const shadow = (id: string, row: string, what: string, isMet: (value: number) => boolean, goal: string): Goal => ({
  part: "shadow",
  id,
  what: `\`${row}\`${what}`,
  row,
  value: (found) => found.absolute,
  isMet,
  goal,
});

const atMost = (id: string, row: string, most: number): Goal =>
  shadow(id, row, ", ms", (value) => value <= most, `≤ ${most}`);

const overOff = (row: string): Goal => ({
  ...shadow("P2", row, " ÷ `shadow-off`", (value) => value <= 1.1, "≤ 1.1"),
  // The row's own ratio has more as the better.
  value: ({ ratios: { "shadow-off": better } }) => (better === undefined ? undefined : rounded(1 / better)),
});

/** performance.md P2 and P8, shadow.md §17 row 19. */
const SHADOW_GOALS: readonly Goal[] = [
  ratio("P2", "shadow", "switchyard-shadow", "nginx-mirror", 1),
  shadow("P2", "switchyard-shadow-compared", ", % of calls", (value) => value >= 99, "≥ 99"),
  overOff("served-p99"),
  overOff("served-p99-whole"),
  atMost("P8", "compare-1-mb", 50),
  atMost("P8", "compare-3000-reordered", 50),
  atMost("P8", "serving-stall-p99", 2),
  atMost("19", "cassette-first-token-p99", 2),
];

const GOALS: readonly Goal[] = [
  ratio("P1", "rest", "switchyard", "http-proxy", 1.6),
  ratio("P1", "rest", "switchyard", "@fastify/http-proxy", 1.3),
  ratio("P1", "rest", "switchyard", "nginx", 0.43),
  ratio("P3", "rest", "switchyard-2-workers-cpu", "switchyard", 0.85),
  { ...ratio("P3", "rest", "switchyard-2-workers", "switchyard", 1.7), coresMin: 4 },
  added("switchyard-latency-p50", 0.25),
  added("switchyard-latency-p99", 1.5),
  ratio("P5", "ws", "switchyard", "http-proxy", 0.9),
  ratio("P5", "ws", "switchyard", "nginx", 1),
  ratio("P5", "ws", "switchyard-binary", "http-proxy-binary", 0.9),
  ratio("P5", "ws", "switchyard-binary", "nginx-binary", 1),
  ...ARM_GOALS,
  ...EMBEDDED,
  ...SHADOW_GOALS,
];

export interface GoalResult {
  readonly id: string;
  readonly what: string;
  readonly goal: string;
  readonly value: number | null;
  readonly outcome: "met" | "missed" | "not measured";
}

/** What became of a part's goals. One whose peer is absent, or that asks for more cores, was not measured. */
export function judgeGoals(part: string, rows: Rows, cores: number): readonly GoalResult[] {
  return GOALS.filter((goal) => goal.part === part).map((goal) => {
    const row = rows[goal.row];
    const isAsked = cores >= (goal.coresMin ?? 1);
    const value = row === undefined || !isAsked ? undefined : goal.value(row);
    const { id, what } = goal;
    const text = goal.coresMin === undefined ? goal.goal : `${goal.goal} (from ${goal.coresMin} cores on)`;
    if (value === undefined) return { id, what, goal: text, value: null, outcome: "not measured" };
    return { id, what, goal: text, value, outcome: goal.isMet(value) ? "met" : "missed" };
  });
}
