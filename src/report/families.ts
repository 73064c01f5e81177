// Families as a person meets them: the worst first, each with its samples, and with the rule that would end it.
import { type FamilyRow, FIXED_COMPARISONS, lookedAtBy, SEVERITIES } from "../shadow/ports.ts";
import { againOf, sumAgain } from "./askedAgain.ts";
import type { ReportInput } from "./input.ts";
import type { FamilyReport, RuleProposal, SampleReport, Unseen } from "./model.ts";
import { by, ratioOf } from "./order.ts";
import { isCounting } from "./readiness.ts";
import { comparedOf } from "./routes.ts";
import { isHidden, ruleYaml } from "./ruleProposal.ts";

/** Further ones are counted: nobody reads them all, and the first are the worst. */
const FAMILIES_MAX = 200;
/** shadow §4. */
const SAMPLES_MAX = 12;
/** Values in all bodies together, so that a report stays something that a browser opens. */
const NODES_MAX = 100_000;

const STATES = ["regressed", "open", "accepted", "fixed"] as const;

const worstFirst = by<FamilyRow>(
  (one) => (isCounting(one) ? 0 : 1),
  ({ isCarried, state }) => (isCarried && state !== "fixed" ? 1 : 0),
  ({ state }) => STATES.indexOf(state),
  ({ severity }) => SEVERITIES.indexOf(severity),
  ({ differing }) => -differing,
  ({ name }) => name,
);

export interface FamilyReports {
  readonly families: readonly FamilyReport[];
  readonly leftOut: { readonly families: number; readonly samples: number };
}

export function familyReports(input: ReportInput): FamilyReports {
  const all = [...input.families].sort(worstFirst);
  const totals = totalsSinceStart(input);
  const compared = totals && new Map(totals.map(({ route, verdicts }) => [route, comparedOf(verdicts)]));
  const looked = totals && lookedAtBy(totals);
  const left = { nodes: NODES_MAX, samples: 0 };
  const families = all.slice(0, FAMILIES_MAX).map((row): FamilyReport => {
    const { differing, groups, isCarried: _, ...facts } = row;
    const accepting = input.facts.acceptedBy.get(row.name);
    const { groupsCompared } = input.facts;
    const samples = samplesOf(input, row, left);
    return {
      ...facts,
      seen: differing,
      compared: compared?.get(row.route) ?? null,
      groups,
      groupShare: groupsCompared === null ? null : ratioOf(Math.min(groups, groupsCompared), groupsCompared),
      unseen: unseenOf(row, looked, input.campaign.candidateBuild),
      isCounting: isCounting(row),
      acceptedBy: accepting === undefined ? null : ruleFacts(accepting),
      askedAgain: sumAgain(samples.map(({ again }) => again)),
      samples,
      rule: row.state === "accepted" ? null : proposal(row, input),
    };
  });
  const hidden = all.slice(FAMILIES_MAX);
  const samples = left.samples + hidden.reduce((sum, { name }) => sum + (input.samples.get(name)?.length ?? 0), 0);
  return { families, leftOut: { families: hidden.length, samples } };
}

const ruleFacts = ({ id, owner, reason, until }: NonNullable<FamilyReport["acceptedBy"]>) => ({
  id,
  owner,
  reason,
  ...(until === undefined ? {} : { until }),
});

/** What families were counted in; null where the window is shorter. */
export const totalsSinceStart = ({ totals, totalsSinceStart: all, window, campaign }: ReportInput) =>
  all ?? (window.fromMs <= campaign.startedMs ? totals : null);

function unseenOf(row: FamilyRow, looked: ReadonlyMap<string, number> | null, build: string): Unseen | null {
  if (!row.isCarried || row.state === "fixed") return null;
  const compared = looked === null ? null : (looked.get(row.route) ?? 0);
  return { compared, needed: row.lastBuild === build ? null : FIXED_COMPARISONS };
}

function samplesOf(
  { samples }: ReportInput,
  { name: family, template }: FamilyRow,
  left: { nodes: number; samples: number },
): readonly SampleReport[] {
  const rows = [...(samples.get(family) ?? [])].sort(
    by(
      ({ place }) => place,
      ({ atMs }) => atMs,
      ({ group }) => group,
    ),
  );
  const kept = rows.slice(0, SAMPLES_MAX).filter(({ body }) => {
    const nodes = nodesOf(body, left.nodes);
    if (nodes > left.nodes) return false;
    left.nodes -= nodes;
    return true;
  });
  left.samples += rows.length - kept.length;
  return kept.map(({ place, group, atMs, body }) => {
    return { place, group, atMs, again: againOf(template, body), body };
  });
}

/** Counted as far as `max`, and without recursion: nobody promises how deep a body is. */
function nodesOf(body: unknown, max: number): number {
  const open = [body];
  let count = 0;
  for (let one = open.pop(); count <= max; one = open.pop()) {
    count += 1;
    if (typeof one === "object" && one !== null) for (const item of Object.values(one)) open.push(item);
    if (open.length === 0) break;
  }
  return count;
}

function proposal(row: FamilyRow, { families, samples, window }: ReportInput): RuleProposal | null {
  const yaml = ruleYaml(row, window.toMs);
  if (yaml === null) return null;
  const hidden = families.filter((other) => isHidden(row, other));
  return {
    yaml,
    hides: {
      families: hidden.length,
      exchanges: hidden.reduce((sum, { differing }) => sum + differing, 0),
      samples: hidden.reduce((sum, { name }) => sum + (samples.get(name)?.length ?? 0), 0),
    },
  };
}
