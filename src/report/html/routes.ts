// Routes as figures: the table with every number, then three plots of it.
import { boundsText, count, coveragePercent, limitText, percent } from "../format.ts";
import { isParity, stateDetail } from "../headline.ts";
import { type Markup, markup } from "../markup.ts";
import type { ReportHead, RouteReport, ShadowReport } from "../model.ts";
import { latencyPlot } from "./latencyPlot.ts";
import { limitPlot } from "./limitPlot.ts";
import { type Cell, chip, type Column, routeName, table } from "./parts.ts";
import { verdictPlot } from "./verdictPlot.ts";

const COLUMNS: readonly Column[] = [
  { name: "Route" },
  { name: "State" },
  { name: "Compared", isNumber: true },
  { name: "Coverage", isNumber: true },
  { name: "Mismatch", isNumber: true },
  { name: "Noise floor", isNumber: true },
  { name: "Above noise (95 %)" },
  { name: "Limit", isNumber: true },
  { name: "Shadow failed", isNumber: true },
];

export function routesSection({ head, routes }: ShadowReport): Markup {
  return markup`<section><h2 id="routes">Routes</h2>
${table(
  "Mismatch is everything that differed; the noise floor is what control changes by itself.",
  COLUMNS,
  routes.map((one) => row(one, head)),
)}
${limitPlot(routes)}
${verdictPlot(routes)}
${latencyPlot(routes)}</section>`;
}

function row(one: RouteReport, { readiness, gate }: ReportHead): readonly Cell[] {
  const { route, state, mode, compared, coverage, aboveNoise, shadowFailures } = one;
  const detail = stateDetail(one, readiness.because);
  const cell = markup`${chip(state)}${detail !== null && markup`<span class="detail">${detail}</span>`}`;
  const name = markup`${routeName(route)}${mode === "sandbox" && markup`<span class="detail">${mode}</span>`}`;
  if (state === "not mirrored") return [name, cell, "–", "–", "–", "–", "–", "–", "–"];
  return [
    name,
    cell,
    count(compared),
    coveragePercent(coverage),
    isParity(one, gate) ? percent(one.mismatchRatio) : "–",
    isParity(one, gate) ? percent(one.noiseFloor) : "–",
    aboveNoise === null ? "–" : markup`<span class="wide">${boundsText(aboveNoise)}</span>`,
    limitText(one.limit),
    shadowFailures.count === 0 ? "0" : `${count(shadowFailures.count)} (${percent(shadowFailures.ratio)})`,
  ];
}
