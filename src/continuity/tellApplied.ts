import type { Arm } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import type { Applied, ContinuityLog } from "./ports.ts";

/** Counts and names what lost or was refused, by section and key: whatever brought it, nothing is dropped in silence. */
export function tellApplied(
  { metrics, log }: { readonly metrics: Pick<Metrics, "relayConflicts" | "relayRows">; readonly log: ContinuityLog },
  from: Arm,
  { applied, skipped, conflicts, refused }: Applied,
): void {
  metrics.relayRows.inc({ from, outcome: "applied" }, applied);
  metrics.relayRows.inc({ from, outcome: "skipped" }, skipped);
  metrics.relayRows.inc({ from, outcome: "refused" }, refused.length);
  metrics.relayConflicts.inc({ from }, conflicts.length);
  for (const { section, key } of conflicts) log.event("relay.conflict", { from, section, key }, "warn");
  for (const { section, key, reason } of refused) log.event("relay.refused", { from, section, key, reason }, "error");
}
