import type { Row, Rows } from "./results.ts";

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
