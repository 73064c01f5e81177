// The answer in one sentence, with its numbers; and in a few words for each route.
import { count, coveragePercent, limitText, plural } from "./format.ts";
import type { Gate } from "./input.ts";
import type { FamilyReport, Finding, GateRule, RouteReport } from "./model.ts";

/** `1 of 5 routes above its limit, 1 without enough data` */
export function readinessText(routes: readonly RouteReport[], findings: readonly Finding[]): string {
  const total = plural(routes.length, "route");
  const about = (rule: GateRule, state: Finding["state"]): number =>
    new Set(findings.filter((one) => one.rule === rule && one.state === state).map(({ route }) => route)).size;
  const differing = findings.filter(({ rule }) => rule === "breaking" || rule === "confirmed");
  const breaking = differing.filter(({ rule }) => rule === "breaking").reduce((sum, { value }) => sum + value, 0);
  const open = differing.reduce((sum, { value }) => sum + value, 0);
  const above = about("mismatch", "not ready");
  const unsure = routes.filter(({ state }) => state === "not enough data").length;
  const coverage = findings.find(({ rule, route }) => rule === "coverage" && route === null);
  const parts = [
    above > 0 && `${above} of ${total} above ${above === 1 ? "its limit" : "their limits"}`,
    open > 0 && `${plural(open, "open difference")}${breaking > 0 ? ` (${breaking} breaking)` : ""}`,
    unsure > 0 && (above > 0 ? `${unsure} without enough data` : `${unsure} of ${total} without enough data`),
    coverage !== undefined && `coverage below ${limitText(coverage.limit)}`,
    about("mirrored", "not enough data") > 0 && "no route is mirrored",
  ].filter((part) => part !== false);
  if (parts.length > 0) return parts.join(", ");
  const mirrored = routes.filter(({ state }) => state === "ready").length;
  return mirrored === 1
    ? "the one mirrored route is within its limit"
    : `all ${mirrored} mirrored routes within their limits`;
}

/** `159 more`, `unsafe_write`, `1 breaking difference open`; null where the state says it all. */
export function stateDetail(route: RouteReport, findings: readonly Finding[]): string | null {
  const { state, notMirrored, comparisonsMissing, coverage } = route;
  if (state === "not mirrored") return notMirrored;
  if (state === "not enough data") {
    return comparisonsMissing > 0 ? `${count(comparisonsMissing)} more` : `coverage ${coveragePercent(coverage)}`;
  }
  const differing = findings.filter((one) => one.route === route.route && one.rule !== "mismatch");
  const told = differing.filter((one) => one.state === "not ready").map(({ text }) => text);
  return told.length > 0 ? told.join(", ") : null;
}

/** `not seen in this build (41 of 1 000 comparisons)`; null: there is nothing to add to the state. */
export function stateNote({ unseen, fixed, state }: FamilyReport): string | null {
  if (unseen !== null) {
    const { compared, needed } = unseen;
    if (needed === null) return "not seen since other rules hold";
    return `not seen in this build (${compared === null ? "some" : count(compared)} of ${plural(needed, "comparison")})`;
  }
  if (fixed === null) return null;
  return state === "fixed" ? `in build ${fixed.build}` : `was fixed in build ${fixed.build}`;
}

/** Fewer comparisons are no parity to speak of, unless they are bad already. */
export const isParity = ({ aboveNoise, compared, state }: RouteReport, { comparisonsMin }: Gate): boolean =>
  aboveNoise !== null && (compared >= comparisonsMin || state === "not ready");
