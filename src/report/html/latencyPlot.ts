// Latency of both arms, both in one plot on one axis (ux §5): from the median to p99, with a tick at p90.
import { ARMS, type Arm } from "../../kernel/index.ts";
import { count, milliseconds } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import type { ArmLatency, RouteReport } from "../model.ts";
import { armName, armShape, routeName } from "./parts.ts";
import { share } from "./verdictPlot.ts";

const LANES: Readonly<Record<Arm, number>> = { control: 9, candidate: 25 };
const HEIGHT = 34;
/** Of the width: marks at the ends need room. */
const [LEFT, WIDTH] = [0.02, 0.96];

interface Axis {
  at(ms: number): string;
  /** Powers of ten. */
  readonly marks: readonly number[];
}

/** From one power of ten to another. */
function axisOf(all: readonly ArmLatency[]): Axis {
  const [least, most] = [Math.min(...all.map(({ p50Ms }) => p50Ms)), Math.max(...all.map(({ p99Ms }) => p99Ms))];
  const from = Math.floor(Math.log10(least));
  const to = Math.max(from + 1, Math.ceil(Math.log10(most)));
  return {
    at: (ms) => share(LEFT + ((Math.log10(ms) - from) / (to - from)) * WIDTH),
    marks: Array.from({ length: to - from + 1 }, (_, step) => 10 ** (from + step)),
  };
}

function lane(arm: Arm, { p50Ms, p90Ms, p99Ms }: ArmLatency, axis: Axis): Markup {
  const y = LANES[arm];
  const tick = (ms: number, half: number): Markup =>
    markup`<line class="${arm}" x1="${axis.at(ms)}" x2="${axis.at(ms)}" y1="${y - half}" y2="${y + half}"/>`;
  return markup`<line class="${arm} range" x1="${axis.at(p50Ms)}" x2="${axis.at(p99Ms)}" y1="${y}" y2="${y}"/>${tick(p90Ms, 3)}${tick(p99Ms, 5)}<svg x="${axis.at(p50Ms)}" y="${y}">${armShape(arm)}</svg>`;
}

const text = ({ p50Ms, p90Ms, p99Ms }: ArmLatency): string =>
  `p50 ${milliseconds(p50Ms)}, p90 ${milliseconds(p90Ms)}, p99 ${milliseconds(p99Ms)}`;

function row(one: RouteReport, axis: Axis): Markup {
  const measured = ARMS.flatMap((arm) => {
    const latency = one.latency[arm];
    return latency === null ? [] : [{ arm, latency }];
  });
  const label = measured.map(({ arm, latency }) => `${arm} ${text(latency)}`).join("; ");
  const grid = axis.marks.map(
    (ms) => markup`<line class="grid" x1="${axis.at(ms)}" x2="${axis.at(ms)}" y1="0" y2="${HEIGHT}"/>`,
  );
  const lanes = measured.map(({ arm, latency }) => lane(arm, latency, axis));
  const cell = (of: (latency: ArmLatency) => string): Markup =>
    markup`<td class="number">${ARMS.map((arm) => markup`<div>${latencyCell(one.latency[arm], of)}</div>`)}</td>`;
  return markup`<tr><th scope="row">${routeName(one.route)}</th><td class="plot"><svg height="${HEIGHT}" role="img" aria-label="${label}">${grid}${lanes}</svg></td><td>${ARMS.map((arm) => markup`<div>${armName(arm)}</div>`)}</td>${cell(({ p50Ms }) => milliseconds(p50Ms))}${cell(({ p99Ms }) => milliseconds(p99Ms))}${cell((latency) => count(latency.count))}</tr>
`;
}

const latencyCell = (latency: ArmLatency | null, of: (latency: ArmLatency) => string): string =>
  latency === null ? "–" : of(latency);

export function latencyPlot(routes: readonly RouteReport[]): Markup | null {
  const shown = routes.filter(({ latency }) => ARMS.some((arm) => latency[arm] !== null));
  if (shown.length === 0) return null;
  const axis = axisOf(shown.flatMap(({ latency }) => ARMS.flatMap((arm) => latency[arm] ?? [])));
  const marks = axis.marks.map(
    (ms) => markup`<text x="${axis.at(ms)}" y="12" text-anchor="middle">${milliseconds(ms)}</text>`,
  );
  return markup`<figure><figcaption>Latency of both arms until the last byte: mark at p50, ticks at p90 and p99. Recorded, and never part of a verdict</figcaption><div class="scroll"><table><thead><tr><th scope="col">Route</th><th scope="col" class="plot">From p50 to p99<svg height="16" aria-hidden="true">${marks}</svg></th><th scope="col">Arm</th><th scope="col" class="number">p50</th><th scope="col" class="number">p99</th><th scope="col" class="number">Answers</th></tr></thead><tbody>
${shown.map((one) => row(one, axis))}</tbody></table></div></figure>`;
}
