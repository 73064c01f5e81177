import { judgeGoals } from "./goals.ts";
import type { ReportInput } from "./report.ts";

export const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** The first column to the left, numbers to the right. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map((_, at) => (at === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");

export const number = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : String(value);

/** Where, when and on what a part was measured, and what became of its goals. */
export function sectionHead(input: ReportInput): readonly string[] {
  const { part, result, machine, commit, at } = input;
  const goals = judgeGoals(part, result.rows, machine.cores).map(({ id, what, goal, value, outcome }) => [
    id,
    what,
    goal,
    value === null ? "–" : number(value),
    outcome,
  ]);
  return [
    `## ${part}`,
    `Commit ${commit}, ${at.toISOString().slice(0, 16)}Z; median of ${input.rounds} alternating rounds, least and greatest ratio in brackets.`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, load average at the start ${machine.loadAverage}; node ${machine.versions["node"]}.`,
    table(["goal", "what", "wanted", "measured", "outcome"], goals),
  ];
}
