import type { ReportInput } from "../lib/report.ts";
import type { Row } from "../lib/results.ts";
import { number, sectionHead, table } from "../lib/sectionHead.ts";

/** `goal ÷ it`, so that 1 and more is met; of what has no goal, what it is compared with. */
const ratios = (row: Row): string =>
  Object.entries(row.ratios)
    .map(([name, ratio]) => {
      const [least, most] = row.spread[name] ?? [Number.NaN, Number.NaN];
      return `${name} ÷ it ${ratio.toFixed(2)} (${least.toFixed(2)} – ${most.toFixed(2)})`;
    })
    .join("; ");

/** Times and memory have no contestants: each row stands beside its goal. */
export function convexReport(input: ReportInput): string {
  const { rows, notes } = input.result;
  const body = Object.entries(rows).map(([name, row]) => [
    `\`${name}\``,
    `${number(row.absolute)} ${row.unit}`,
    ratios(row),
  ]);
  const sections = [
    ...sectionHead(input),
    "### Throughput, latency and memory",
    table(["row", "median", "beside"], body),
    "### How",
    notes.map((note) => `- ${note}`).join("\n"),
  ];
  return `${sections.join("\n\n")}\n`;
}
