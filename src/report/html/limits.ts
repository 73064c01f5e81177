// What the figures above do not cover (shadow §16): said as plainly as they are.
import { count, moment, percent } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import type { CannotSay, ShadowReport } from "../model.ts";
import { table } from "./parts.ts";

const ROUTES_MAX = 50;

export function limitsSection({ head, gaps, groups, expiredRules, cannotSay }: ShadowReport): Markup {
  const reasons = head.notCompared.map(({ reason, count: found, share }) => [reason, count(found), percent(share)]);
  return markup`<section><h2 id="not-compared">Not compared, and why</h2>
${
  reasons.length === 0
    ? markup`<p>Everything that was sampled was compared.</p>`
    : table(
        "Of what was sampled",
        [{ name: "Reason" }, { name: "Exchanges", isNumber: true }, { name: "Share", isNumber: true }],
        reasons,
      )
}
${groups !== null && markup`<p>Groups: ${count(groups.seeded)} seeded, ${count(groups.diverged)} diverged, ${count(groups.waiting)} waiting for their first seed.</p>`}
${
  gaps.length > 0 &&
  table(
    "Times of which evidence is missing",
    [{ name: "Process" }, { name: "From" }, { name: "To" }],
    gaps.map(({ process, fromMs, toMs }) => [process, moment(fromMs), moment(toMs)]),
  )
}
${
  expiredRules.length > 0 &&
  table(
    "Expired rules: they hide nothing any more",
    [{ name: "Rule" }, { name: "Owner" }, { name: "Reason" }, { name: "Until" }, { name: "On" }],
    expiredRules.map(({ id, owner, reason, until, on }) => [id, owner, reason, until ?? "–", on.join(", ")]),
  )
}
<h2 id="cannot-say">What this campaign cannot say</h2>
${cannotSay.length === 0 ? markup`<p>Nothing is known to be missing.</p>` : markup`<ul>${cannotSay.map(blindSpot)}</ul>`}</section>`;
}

function blindSpot({ text, routes }: CannotSay): Markup {
  const further = routes.length - ROUTES_MAX;
  const names = [...routes.slice(0, ROUTES_MAX), ...(further > 0 ? [`${count(further)} more`] : [])];
  return markup`<li>${text}${routes.length > 0 && markup`: <span class="quiet">${names.join(", ")}</span>`}</li>`;
}
