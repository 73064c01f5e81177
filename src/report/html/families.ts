// Families: a table of all, then each by itself with its samples and the rule that would end it.
import { readSample } from "../../shadow/ports.ts";
import { changeText, count, moment, percent, plural, sentence } from "../format.ts";
import { stateNote } from "../headline.ts";
import type { AcceptingRule } from "../input.ts";
import { type Markup, markup } from "../markup.ts";
import { sampleAgainText } from "../askedAgain.ts";
import type { AskedAgain, FamilyReport, SampleReport, ShadowReport } from "../model.ts";
import { documentView } from "./documentView.ts";
import { armName, type Cell, type Column, routeName, table } from "./parts.ts";
import { type Budget, sampleNotes, sampleTree } from "./sampleTree.ts";
import { talkView } from "./talkView.ts";

/** Further ones are in the table. */
const SHOWN_MAX = 50;
/** Values on one page. */
const NODES_MAX = 10_000;
const GROUP_CHARS = 8;

const COLUMNS: readonly Column[] = [
  { name: "Path" },
  { name: "Severity" },
  { name: "Control → candidate" },
  { name: "Seen of compared", isNumber: true },
  { name: "Groups", isNumber: true },
  { name: "State" },
];

export function familiesSection({ families, leftOut }: ShadowReport): Markup {
  if (families.length === 0) {
    return markup`<section><h2 id="families">Differences</h2><p>None was found in what was compared.</p></section>`;
  }
  const budget: Budget = { nodes: NODES_MAX, isUsedUp: false };
  const shown = families.slice(0, SHOWN_MAX).map((family, at) => details(family, at, budget));
  const notes = [
    families.length > shown.length &&
      `${plural(families.length - shown.length, "further family", "further families")} are in the table only.`,
    leftOut.families > 0 && `${plural(leftOut.families, "family", "families")} more are in the evidence.`,
    budget.isUsedUp && "Some values of samples are left out here; the JSON has them.",
  ].filter((note) => note !== false);
  const rows = families.map((family, at) => row(family, at < shown.length ? at : null));
  return markup`<section><h2 id="families">Differences</h2>
${table("All differences with one route, path, kind and change are one family. Counted since the campaign began.", COLUMNS, rows)}
${notes.length > 0 && markup`<p class="quiet">${notes.join(" ")}</p>`}
${shown}</section>`;
}

const seenText = ({ seen, compared }: FamilyReport): string =>
  compared === null ? count(seen) : `${count(seen)} of ${count(compared)}`;

const groupsText = ({ groups, groupShare }: FamilyReport): string =>
  groupShare === null ? count(groups) : `${count(groups)} (${percent(groupShare)})`;

function stateText(family: FamilyReport): Markup {
  const { state, acceptedBy } = family;
  const accepted = acceptedBy === null ? null : `by ${acceptedBy.owner}, ${untilText(acceptedBy)}`;
  const notes = [accepted, stateNote(family)].filter((note) => note !== null);
  return markup`${state}${notes.map((note) => markup`<span class="detail">${note}</span>`)}`;
}

const untilText = ({ until }: AcceptingRule): string =>
  until === undefined || until === "contract" ? "as long as the contract says so" : `until ${until}`;

const confirmedText = ({ confirmedBy: by, seen }: FamilyReport): string =>
  seen === 0 ? "not seen" : by === null ? "not confirmed" : by === "breaking" ? "from its first exchange" : `by ${by}`;

function row(family: FamilyReport, at: number | null): readonly Cell[] {
  const { template, route, severity, kind } = family;
  const path = markup`<code>${template}</code>`;
  return [
    markup`${at === null ? path : markup`<a href="#family-${at}">${path}</a>`}<span class="detail">${routeName(route)}</span>`,
    markup`${family.isCounting ? markup`<strong>${severity}</strong>` : severity}<span class="detail">${confirmedText(family)}</span>`,
    `${kind} ${changeText(family)}`,
    seenText(family),
    groupsText(family),
    stateText(family),
  ];
}

function details(family: FamilyReport, at: number, budget: Budget): Markup {
  const { route, template, severity, kind, control, candidate, samples, rule, acceptedBy } = family;
  const note = stateNote(family);
  return markup`<article class="family" id="family-${at}"><h3><code>${template}</code></h3>
<p>${route}. Kind ${kind}, severity ${severity}${family.isCounting && "; counts against readiness"}.</p>
<p><span class="side">${armName("control")} <code>${control ?? "nothing"}</code></span> → <span class="side">${armName("candidate")} <code>${candidate ?? "nothing"}</code></span></p>
<p class="quiet">Seen ${seenText(family)}, ${plural(family.groups, "group")}. First ${moment(family.firstSeenMs)} with build ${family.firstBuild}, last ${moment(family.lastSeenMs)} with build ${family.lastBuild}.</p>
${note !== null && markup`<p>${sentence(family.state)}, ${note}.</p>`}
${acceptedBy !== null && markup`<p>Accepted by rule ${acceptedBy.id} of ${acceptedBy.owner}, ${untilText(acceptedBy)}: ${acceptedBy.reason}</p>`}
${againGrid(family.askedAgain)}
${samples.map((sample, index) => sampleDetails(sample, index, budget))}
${
  rule !== null &&
  markup`<details><summary>Rule to copy for review; it would hide ${plural(rule.hides.families, "family", "families")}, ${plural(rule.hides.exchanges, "exchange")}, ${plural(rule.hides.samples, "sample")}</summary><pre>${rule.yaml}</pre></details>`
}
</article>
`;
}

/** Control beside its repeat, candidate beside its own (shadow §16.4). */
function againGrid({ samples, grid, repeats }: AskedAgain): Markup | null {
  const repeated = repeats.same + repeats.changed;
  if (samples + repeated === 0) return null;
  const alone =
    repeated > 0 && `Control alone was asked again ${plural(repeated, "time")}: ${count(repeats.changed)} changed.`;
  if (samples === 0) return markup`<p class="quiet">${alone}</p>`;
  const row = (name: string, of: AskedAgain["grid"]["same"]) => [name, count(of.same), count(of.changed)];
  return markup`<div class="again">${table(
    `Asked again, of ${plural(samples, "sample")}: both the same is a difference of the arms, all else may be noise.`,
    [{ name: "" }, { name: "Candidate same", isNumber: true }, { name: "Candidate changed", isNumber: true }],
    [row("Control same", grid.same), row("Control changed", grid.changed)],
  )}</div>${alone !== false && markup`<p class="quiet">${alone}</p>`}`;
}

/** The first is open: most often one is enough. */
function sampleDetails({ group, atMs, again, body }: SampleReport, index: number, budget: Budget): Markup {
  const title = `Sample ${index + 1}, ${moment(atMs)}, group ${group.slice(0, GROUP_CHARS)}`;
  const notes = sampleNotes(body).map(([name, text]) => markup`<p class="quiet">${name}: ${text}</p>`);
  const asked = again !== null && markup`<p class="quiet">${sentence(sampleAgainText(again))}.</p>`;
  const content = markup`${notes}${asked}${sampleContent(body, budget)}`;
  return index === 0
    ? markup`<details open="open"><summary>${title}</summary>${content}</details>`
    : markup`<details><summary>${title}</summary>${content}</details>`;
}

/** Conversations and documents have their own way to be looked at (shadow §16.5). */
function sampleContent(body: unknown, budget: Budget): Markup {
  const sample = readSample(body);
  if (sample?.conversation !== undefined) return talkView(sample.conversation, sample.differences, budget);
  if (sample?.document !== undefined) return documentView(sample.document, budget);
  return sampleTree(body, budget);
}
