import type { ReportInput } from "../lib/report.ts";
import type { Rows } from "../lib/results.ts";
import { number, sectionHead, table } from "../lib/sectionHead.ts";
import { rowName } from "./rows.ts";

const CANDIDATE = rowName("candidate", "");
const CPU_SUFFIX = "-cpu";

/** An operation a line: both backends, and the ratio. */
function operationTable(rows: Rows, names: readonly string[]): string {
  const body = names.map((name) => {
    const own = rows[name];
    const operation = name.slice(CANDIDATE.length);
    const peer = rowName("legacy", operation);
    const legacy = rows[peer];
    // The ratio of a row of CPU time names the plain row.
    const [ratio = Number.NaN] = Object.values(own?.ratios ?? {});
    const [[least, most] = [Number.NaN, Number.NaN]] = Object.values(own?.spread ?? {});
    return [
      `\`${operation.replace(CPU_SUFFIX, "")}\``,
      legacy === undefined ? "" : number(legacy.absolute),
      legacy === undefined || own === undefined ? "" : number(own.absolute),
      legacy?.unit ?? "",
      `${ratio.toFixed(2)} (${least.toFixed(2)} – ${most.toFixed(2)})`,
    ];
  });
  return table(["operation", "`legacy`", "`candidate`", "unit", "`candidate` ÷ `legacy`"], body);
}

export function armsReport(input: ReportInput): string {
  const { rows, notes } = input.result;
  const names = Object.keys(rows).filter((name) => name.startsWith(CANDIDATE));
  const cpu = names.filter((name) => name.endsWith(CPU_SUFFIX));
  const sections = [
    ...sectionHead(input),
    "### Throughput",
    operationTable(
      rows,
      names.filter((name) => !cpu.includes(name)),
    ),
    ...(cpu.length === 0
      ? []
      : [
          "### Cost in CPU, all processes of a backend",
          "Ratios of work per CPU-second: more is cheaper.",
          operationTable(rows, cpu),
        ]),
    "### How",
    notes.map((note) => `- ${note}`).join("\n"),
  ];
  return `${sections.join("\n\n")}\n`;
}
