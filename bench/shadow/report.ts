import type { ReportInput } from "../lib/report.ts";
import type { Row } from "../lib/results.ts";
import { number, sectionHead, table } from "../lib/sectionHead.ts";

/** How much of each peer it is; of times it is the peer's over its own, so that more is better everywhere. */
const beside = ({ ratios, spread }: Row): string =>
  Object.entries(ratios)
    .map(([peer, ratio]) => {
      const [least, most] = spread[peer] ?? [Number.NaN, Number.NaN];
      return `${peer} ${ratio.toFixed(2)} (${least.toFixed(2)} – ${most.toFixed(2)})`;
    })
    .join("; ");

export function shadowReport(input: ReportInput): string {
  const { rows, notes } = input.result;
  const body = Object.entries(rows).map(([name, row]) => [`\`${name}\``, number(row.absolute), row.unit, beside(row)]);
  const sections = [
    ...sectionHead(input),
    "### Throughput, times and cost",
    table(["row", "median", "unit", "beside"], body),
    "### How",
    notes.map((note) => `- ${note}`).join("\n"),
  ];
  return `${sections.join("\n\n")}\n`;
}
