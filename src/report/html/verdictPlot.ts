// What became of the exchanges of each route, as stacked bars with the numbers beside them. Lengths are shares of the width and texts
// are not scaled, so that nothing gets too small to read.
import { VERDICTS } from "../../shadow/ports.ts";
import { count, coveragePercent } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import type { RouteReport } from "../model.ts";
import { by } from "../order.ts";
import { routeName } from "./parts.ts";

const NAMES: Readonly<Record<string, string>> = {
  compared: "compared",
  identical: "identical",
  equivalent: "equivalent",
  accepted: "accepted",
  both_failed: "both failed",
  noise: "noise",
  transient: "transient",
  different: "different",
  shadow_failed: "shadow failed",
  missing: "not compared",
};

type Part = readonly [name: string, count: number];

/** Equal ones first, then what differs, then what nobody knows. */
function partsOf({ verdicts, sampled }: Pick<RouteReport, "verdicts" | "sampled">): readonly Part[] {
  const names = Object.keys(NAMES);
  const parts = VERDICTS.filter((name) => name !== "not_compared")
    .map((name): Part => [name, verdicts[name] ?? 0])
    .sort(by(([name]) => names.indexOf(name)));
  const judged = parts.reduce((sum, [, found]) => sum + found, 0);
  return [...parts, ["missing", sampled - judged] as const].filter(([, found]) => found > 0);
}

/** Of a width; more digits are seen by nobody. */
export const share = (ratio: number): string => `${(ratio * 100).toFixed(2)}%`;

function bar(parts: readonly Part[], sampled: number): Markup {
  const label = parts.map(([name, found]) => `${NAMES[name]} ${count(found)}`).join(", ");
  let from = 0;
  const rects = parts.map(([name, found]) => {
    const at = from;
    from += found;
    return markup`<rect class="v-${name}" x="${share(at / sampled)}" y="2" width="${share(found / sampled)}" height="14"/>`;
  });
  return markup`<svg height="18" role="img" aria-label="${label}">${rects}</svg>`;
}

function legend(routes: readonly RouteReport[]): Markup {
  const found = new Set(routes.flatMap((route) => partsOf(route).map(([name]) => name)));
  const items = Object.entries(NAMES).filter(([name]) => found.has(name));
  return markup`<ul class="legend">${items.map(
    ([name, text]) =>
      markup`<li><svg aria-hidden="true"><rect class="v-${name}" x="1" y="1" width="12" height="10"/></svg>${text}</li>`,
  )}</ul>`;
}

export function verdictPlot(routes: readonly RouteReport[]): Markup | null {
  const sampled = routes.filter((route) => route.sampled > 0);
  if (sampled.length === 0) return null;
  const rows = sampled.map((route) => {
    const { different, compared, coverage } = route;
    return markup`<tr><th scope="row">${routeName(route.route)}</th><td class="plot">${bar(partsOf(route), route.sampled)}</td><td class="number">${count(different)} of ${count(compared)}</td><td class="number">${coveragePercent(coverage)}</td></tr>
`;
  });
  return markup`<figure><figcaption>What became of the sampled exchanges</figcaption>${legend(sampled)}<div class="scroll"><table><thead><tr><th scope="col">Route</th><th scope="col">Verdicts, share of sampled</th><th scope="col" class="number">Different</th><th scope="col" class="number">Coverage</th></tr></thead><tbody>
${rows}</tbody></table></div></figure>`;
}

/** All routes together, for the head of the page. */
export const coverageBar = (head: { readonly compared: number; readonly sampled: number }): Markup | null =>
  head.sampled === 0
    ? null
    : bar(
        (
          [
            ["compared", head.compared],
            ["missing", head.sampled - head.compared],
          ] as const
        ).filter(([, found]) => found > 0),
        head.sampled,
      );
