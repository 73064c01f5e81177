// How an exchange has ended, as the serving thread is told.
import type { RouteId, UnitId } from "../../kernel/index.ts";
import type { RoutePlan } from "../plans.ts";
import type { Verdict } from "../verdict.ts";
import type { NotComparedReason } from "../words.ts";
import type { EndedItem } from "./messages.ts";
import type { Served } from "./pairing.ts";

/** Of what only this thread has seen. */
export function extraItem(route: RouteId, unit: UnitId, verdict: Verdict): EndedItem {
  return { ...verdictItem(verdict), id: null, route, unit, latencyMs: { control: null, candidate: null } };
}

const verdictItem = (verdict: Verdict): Pick<EndedItem, "verdict" | "reason" | "differences"> => ({
  verdict: verdict.name,
  reason: verdict.name === "not_compared" ? verdict.reason : null,
  differences: "differences" in verdict ? verdict.differences.map(({ kind, severity }) => [kind, severity]) : [],
});

export function endedItem(
  { facts }: Served,
  plan: RoutePlan,
  verdict: Verdict,
  latencyMs: EndedItem["latencyMs"],
): EndedItem {
  return { ...verdictItem(verdict), id: facts.id, route: plan.id, unit: plan.unit, latencyMs };
}

/** Null: there was no answer. */
export const msOf = (observation: { readonly result: object; readonly totalMs: number }): number | null =>
  "reply" in observation.result ? observation.totalMs : null;

export const unjudgedItem = ({ facts }: Served, plan: RoutePlan | undefined, reason: NotComparedReason): EndedItem => ({
  ...lostItem(facts.id, facts.route, plan?.unit ?? "none"),
  reason,
});

/** The serving thread knows by itself what a job was. */
export function lostItem(id: number | null, route: RouteId, unit: UnitId): EndedItem {
  const latencyMs = { control: null, candidate: null };
  return { id, route, unit, verdict: "not_compared", reason: "engine_lost", differences: [], latencyMs };
}
