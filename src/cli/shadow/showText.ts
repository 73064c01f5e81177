import { ARMS } from "../../kernel/index.ts";
import { againText, type FamilyReport, sampleAgainText, type SampleReport, stateNote } from "../../report/index.ts";
import { count, moment, plural, share, table } from "../format.ts";
import type { Output } from "../output.ts";
import { changeText, printable } from "../printable.ts";
import type { SampleBodies } from "./bodies.ts";
import { type SeenDifference, sampleOf, type SeenSide } from "./sample.ts";
import { documentText, partsText, talkText } from "./viewText.ts";

export type Numbered = FamilyReport & { readonly number: number };

/** What is open, the first to look at, stands first. */
export function familiesText(families: readonly Numbered[], out: Output): string {
  const head = ["", "SEVERITY", "STATE", "ROUTE", "PATH", "CHANGE", "SEEN", "GROUPS"];
  const rows = families.map((one) => [
    String(one.number),
    severityText(one, out),
    one.unseen === null ? one.state : `${one.state} before`,
    one.route,
    printable(one.template),
    `${one.kind} ${printable(changeText(one))}`,
    count(one.seen),
    count(one.groups),
  ]);
  return table([head, ...rows]);
}

const severityText = ({ severity, isCounting }: FamilyReport, out: Output): string =>
  isCounting ? out.alarm(severity) : severity;

export function familyText(family: Numbered, bodies: readonly SampleBodies[], out: Output): string {
  const { number, route, template, kind, state, samples } = family;
  const asked = againText(family.askedAgain);
  const rows: (readonly [string, string])[] = [
    ["path", printable(template)],
    ["change", `${kind}   ${printable(changeText(family))}`],
    ["seen", seenText(family)],
    ["counts", countsText(family)],
    ...(asked === null ? [] : [["again", asked] as const]),
    ...(stateNote(family) === null ? [] : [["state", printable(`${state}, ${stateNote(family)}`)] as const]),
    ["first", `${moment(family.firstSeenMs)}, build ${printable(family.firstBuild)}`],
    ["last", `${moment(family.lastSeenMs)}, build ${printable(family.lastBuild)}`],
  ];
  return [
    `${number}   ${severityText(family, out)}   ${out.bold(route)}   ${state}`,
    table(rows, "  "),
    ...samples.flatMap((one, at) => {
      const values = valuesText(bodies[at] ?? { state: "unwanted" });
      return ["", sampleText(one, `sample ${at + 1} of ${samples.length}`, family, out), values];
    }),
    "",
    ruleText(family),
  ].join("\n");
}

function seenText({ seen, compared, groups }: FamilyReport): string {
  return `${compared === null ? `${count(seen)} times` : share(seen, compared)}, ${plural(groups, "group")}`;
}

function countsText({ isCounting, confirmedBy, state, acceptedBy, unseen }: FamilyReport): string {
  if (isCounting) return `against readiness, by ${confirmedBy ?? "its severity"}`;
  if (state === "accepted")
    return acceptedBy === null
      ? "not: a rule accepts it"
      : `not: rule ${acceptedBy.id} accepts it until ${acceptedBy.until ?? "it is removed"} (${acceptedBy.owner}: ${acceptedBy.reason})`;
  if (unseen !== null) return "not: only the build before has shown it";
  return state === "fixed" ? "not: it has not been seen since" : "not yet: it may be noise until it is confirmed";
}

function sampleText(
  { group, atMs, again, body }: SampleReport,
  title: string,
  family: FamilyReport,
  out: Output,
): string {
  const head = `${title}   ${moment(atMs)}   group ${group}`;
  const sample = sampleOf(body);
  if (sample === null) return `${head}\n  ${printable((JSON.stringify(body) ?? "empty").slice(0, 400))}`;
  const { conversation, document } = sample.views;
  const sides = ARMS.map((arm) => `${out.armMark(arm)} ${arm} ${sideText(sample[arm])}`).join("   ");
  const differences = sample.differences.map((one) => differenceText(one, isOf(family, one)));
  return [
    head,
    ...(sample.isCall ? [`  ${sides}`] : []),
    ...(again === null ? [] : [`  ${sampleAgainText(again)}`]),
    ...(conversation === undefined ? differences : partsText(sample.differences, conversation)),
    ...(conversation === undefined ? [] : talkText(conversation)),
    ...(document === undefined ? [] : documentText(document)),
  ].join("\n");
}

const sideText = (side: SeenSide): string =>
  side === null ? "(not kept)" : "error" in side ? printable(side.error) : String(side.status);

const isOf = (family: FamilyReport, { template, kind, control, candidate }: SeenDifference): boolean =>
  family.template === template && family.kind === kind && family.control === control && family.candidate === candidate;

/** The place of this family first to be seen, the others of the same exchange beside it. */
function differenceText({ path, kind, severity, shown }: SeenDifference, isOwn: boolean): string {
  return `  ${isOwn ? "»" : " "} ${printable(path)}   ${kind} ${severity}\n${table([
    ["    control", printable(shown.control)],
    ["    candidate", printable(shown.candidate)],
  ])}`;
}

const NO_VALUES: Readonly<Record<Exclude<SampleBodies["state"], "kept">, string>> = {
  unwanted: "not kept: shapes only (shadow.routes, bodies)",
  locked: "kept, and sealed: shadow.bodyKeyEnv opens them",
  gone: "no longer there: they made room for newer ones (shadow.bodyRing), or were lost",
  unreadable: "sealed with another key than shadow.bodyKeyEnv names, or changed since",
};

/** Of both sides, redacted, and only where they differ. */
function valuesText(bodies: SampleBodies): string {
  if (bodies.state !== "kept") return `  values   ${NO_VALUES[bodies.state]}`;
  if (bodies.changed.length === 0) return "  values   redacted, of which none differs";
  const rows = bodies.changed.map((one) => [`    ${printable(one.path)}`, printable(changeText(one))]);
  const more = bodies.leftOut === 0 ? [] : [`    … ${count(bodies.leftOut)} more`];
  return ["  values   redacted, where they differ", table(rows), ...more].join("\n");
}

function ruleText({ rule, state }: FamilyReport): string {
  if (rule === null) return state === "accepted" ? "A rule accepts it already." : "No rule can name this place.";
  const { families, exchanges, samples } = rule.hides;
  const hidden = `${plural(families, "family", "families")}, ${plural(exchanges, "exchange")}, ${plural(samples, "sample")}`;
  return `The rule that accepts it, for a file of shadow.rules; it would hide ${hidden}:\n\n${rule.yaml.trimEnd()}`;
}
