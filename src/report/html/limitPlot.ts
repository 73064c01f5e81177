// Mismatch above noise against its limit: intervals on one axis that counts in limits, so that one line holds for every route.
import { boundsText, coverageText, limitText } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import type { RouteReport, Share } from "../model.ts";
import { routeName } from "./parts.ts";
import { share } from "./verdictPlot.ts";

/** What is further out ends in an arrow. */
const LIMITS_MAX = 4;
/** Of the width; the rest is for the arrow. */
const WIDTH = 0.97;

const at = (value: number, limit: number): string =>
  share((Math.min(LIMITS_MAX, limit > 0 ? value / limit : LIMITS_MAX) / LIMITS_MAX) * WIDTH);

function interval(above: Share, limit: number): Markup {
  const { found, ratio, low, high } = above;
  const label = `${boundsText(above)}, limit ${limitText(limit)}`;
  const isCut = limit <= 0 || high / limit > LIMITS_MAX;
  const grid = [0, 2, 3].map((times) => {
    const x = at(times, 1);
    return markup`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="22"/>`;
  });
  const one = at(1, 1);
  return markup`<svg height="22" role="img" aria-label="${label}">${grid}<line class="limit" x1="${one}" x2="${one}" y1="0" y2="22"/><line class="bounds" x1="${at(low, limit)}" x2="${at(high, limit)}" y1="11" y2="11"/>${
    isCut && markup`<svg x="${share(WIDTH)}" y="11"><path class="point" d="M0 -5 L8 0 L0 5 Z"/></svg>`
  }${
    // Nothing was found: there is a bound and no point.
    found === 0
      ? markup`<line class="bounds" x1="${at(high, limit)}" x2="${at(high, limit)}" y1="6" y2="16"/>`
      : markup`<circle class="point" cx="${at(ratio, limit)}" cy="11" r="4"/>`
  }</svg>`;
}

const AXIS = markup`<svg height="16" aria-hidden="true">${["0", "limit", "2 ×", "3 ×", "≥ 4 ×"].map(
  (text, times) =>
    markup`<text x="${at(times, 1)}" y="12" text-anchor="${times === 0 ? "start" : times === LIMITS_MAX ? "end" : "middle"}">${text}</text>`,
)}</svg>`;

export function limitPlot(routes: readonly RouteReport[]): Markup | null {
  const rows = routes.flatMap((route) => {
    const { aboveNoise, limit } = route;
    if (aboveNoise === null || limit === null) return [];
    return [
      markup`<tr><th scope="row">${routeName(route.route)}</th><td class="plot">${interval(aboveNoise, limit)}</td><td class="wide">${boundsText(aboveNoise)}<span class="detail">${coverageText(route)}</span></td><td class="number">${limitText(limit)}</td></tr>
`,
    ];
  });
  if (rows.length === 0) return null;
  return markup`<figure><figcaption>Mismatch above noise against its limit: point and 95 % interval; the thick line is each route’s own limit, to be stayed left of</figcaption><div class="scroll"><table><thead><tr><th scope="col">Route</th><th scope="col" class="plot">Times the limit${AXIS}</th><th scope="col">Above noise (95 %)</th><th scope="col" class="number">Limit</th></tr></thead><tbody>
${rows}</tbody></table></div></figure>`;
}
