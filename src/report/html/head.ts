// The answer first, then why, then of what.
import { count, coverageText, moment, percent, sentence } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import type { Finding, GateRule, ReportHead } from "../model.ts";
import { armName, chip, toneOf } from "./parts.ts";
import { coverageBar } from "./verdictPlot.ts";

const RULES: Readonly<Record<GateRule, string>> = {
  breaking: "no breaking difference may be open",
  confirmed: "no confirmed difference may be open",
  mismatch: "mismatch above noise stays within each route’s limit, with its upper bound",
  mirrored: "something must be mirrored",
  coverage: "enough of what was sampled must be compared",
  comparisons: "every mirrored route needs enough comparisons",
};

const FINDINGS_MAX = 20;

export function headSection(head: ReportHead): Markup {
  const { unit, readiness, window, campaign } = head;
  const { builds, backends } = campaign;
  const shown = readiness.because.slice(0, FINDINGS_MAX);
  const further = readiness.because.length - shown.length;
  return markup`<header><p class="eyebrow">Shadow report</p><h1>${unit}</h1>
<div class="answer ${toneOf(readiness.state)}"><p>${chip(readiness.state)} <strong>${sentence(readiness.text)}.</strong></p><p>${sentence(coverageText(head))}.${readiness.rule !== null && ` Decided by: ${RULES[readiness.rule]}.`}</p>
${
  shown.length > 0 &&
  markup`<ul>${shown.map(finding)}${further > 0 && markup`<li>and ${count(further)} more</li>`}</ul>`
}</div>
<dl class="facts">
<div><dt>Window</dt><dd>${moment(window.fromMs)} → ${moment(window.toMs)}</dd></div>
<div><dt>${armName("control")}</dt><dd>${backends.control} ${builds.control}</dd></div>
<div><dt>${armName("candidate")}</dt><dd>${backends.candidate} ${builds.candidate}</dd></div>
<div><dt>Campaign</dt><dd>${campaign.id}, since ${moment(campaign.startedMs)}</dd></div>
<div><dt>Rules</dt><dd>${campaign.rulesHash}</dd></div>
</dl>
${coverage(head)}</header>`;
}

const finding = ({ route, text }: Finding): Markup => markup`<li>${route ?? "Whole unit"}: ${text}</li>`;

function coverage(head: ReportHead): Markup | null {
  const bar = coverageBar(head);
  if (bar === null) return null;
  const reasons = head.notCompared.map(
    ({ reason, count: found, share }) => `${reason} ${count(found)} (${percent(share)})`,
  );
  const missing = reasons.length === 0 ? "" : `; not: ${reasons.join(", ")}`;
  return markup`<figure><figcaption>${count(head.compared)} of ${count(head.sampled)} compared${missing}</figcaption>${bar}</figure>`;
}
