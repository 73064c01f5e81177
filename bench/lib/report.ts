import { judgeGoals } from "./goals.ts";
import type { PartResult } from "./part.ts";
import type { Machine } from "./machine.ts";
import type { Row, Rows } from "./results.ts";

export interface ReportInput {
  readonly part: string;
  readonly result: PartResult;
  readonly machine: Machine;
  readonly commit: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly at: Date;
}

const CPU_SUFFIX = "-cpu";
const OURS = "switchyard";

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map((_, at) => (at === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");

const number = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString("en") : String(value));

function ratioCell(row: Row, peer: string): string {
  const ratio = row.ratios[peer];
  const spread = row.spread[peer];
  if (ratio === undefined || spread === undefined) return "";
  return `${ratio.toFixed(2)} (${spread[0].toFixed(2)} – ${spread[1].toFixed(2)})`;
}

/** Rows against the columns "the baseline" and "ours": how much of each is `row`. */
function ratioTable(rows: Rows, names: readonly string[], first: string): string {
  const unit = rows[names[0] ?? ""]?.unit ?? "";
  const ours = names.filter((name) => name.startsWith(OURS));
  const peers = names.filter((name) => !name.startsWith(OURS));
  const head = [first, unit, ...ours.map((name) => `\`${name.replace(CPU_SUFFIX, "")}\` ÷ it`)];
  const body = [...peers, ...ours].map((name) => {
    const own = name.replace(CPU_SUFFIX, "");
    const cells = ours.map((our) => ratioCell(rows[our] as Row, own));
    return [`\`${own}\``, number((rows[name] as Row).absolute), ...cells];
  });
  return table(head, body);
}

/** The section of one part: goals, throughput, cost, and how it was measured. */
export function partReport(input: ReportInput): string {
  const { part, result, machine, commit, rounds, seconds, at } = input;
  const { rows, notes } = result;
  const names = Object.keys(rows);
  const cpu = names.filter((name) => name.endsWith(CPU_SUFFIX));
  const latency = names.filter((name) => name.includes("-latency-"));
  const speed = names.filter((name) => !cpu.includes(name) && !latency.includes(name));
  const goals = judgeGoals(part, rows, machine.cores).map(({ id, what, goal, value, outcome }) => [
    id,
    what,
    goal,
    value === null ? "–" : number(value),
    outcome,
  ]);
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const sections = [
    `## ${part}`,
    `Commit ${commit}, ${at.toISOString().slice(0, 16)}Z; median of ${rounds} alternating rounds of ${seconds} s, least and greatest ratio in brackets.`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, load average at the start ${machine.loadAverage}; ${versions.join(", ")}.`,
    table(["goal", "what", "wanted", "measured", "outcome"], goals),
    "### Throughput",
    ratioTable(rows, speed, part === "ws" ? "relay" : "proxy"),
    ...(cpu.length === 0
      ? []
      : [
          "### Cost in CPU, all processes of a proxy",
          "Ratios of work per CPU-second: more is cheaper. Steadier than throughput where cores are shared.",
          ratioTable(rows, cpu, part === "ws" ? "relay" : "proxy"),
        ]),
    ...(latency.length === 0
      ? []
      : [
          "### Added latency",
          table(
            ["row", "ms over direct", "direct ÷ it"],
            latency.map((name) => [
              `\`${name}\``,
              number((rows[name] as Row).absolute),
              ratioCell(rows[name] as Row, "direct"),
            ]),
          ),
        ]),
    "### How",
    notes.map((note) => `- ${note}`).join("\n"),
  ];
  return `${sections.join("\n\n")}\n`;
}
