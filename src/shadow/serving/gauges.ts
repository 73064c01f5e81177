// What the compare thread tells of itself, as metrics (shadow §15).
import type { Metrics } from "../../metrics/index.ts";
import type { ShadowGauges } from "../threads/messages.ts";
import type { Groups } from "./groups.ts";

export class Gauges {
  readonly #metrics: Metrics;
  /** What the present thread had dropped when it told that last. */
  #dropped: Readonly<Record<string, number>> = {};
  #missesDropped = 0;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** A new thread counts from 0. */
  begin(): void {
    this.#dropped = {};
    this.#missesDropped = 0;
  }

  /** @param hasSeeds groups are known here; otherwise the thread alone knows which are diverged */
  show(gauges: ShadowGauges, groups: ReturnType<Groups["counts"]>, hasSeeds: boolean): void {
    const metrics = this.#metrics;
    metrics.shadowFamilies.reset();
    for (const { severity, state, count } of gauges.families) metrics.shadowFamilies.set({ severity, state }, count);
    metrics.shadowGroups.reset();
    for (const { unit, standing, count } of groups) {
      metrics.shadowGroups.inc({ unit, state: standing === "lost" ? "waiting" : standing }, count);
    }
    for (const [unit, count] of Object.entries(gauges.divergedGroups)) {
      if (!hasSeeds) metrics.shadowGroups.set({ unit, state: "diverged" }, count);
    }
    for (const { route, confirmed, noiseFloor } of gauges.ratios) {
      metrics.shadowDifferentConfirmed.set({ route }, confirmed);
      if (noiseFloor !== null) metrics.shadowNoiseFloor.set({ route }, noiseFloor);
    }
    for (const state of ["converged", "lagging", "diverged"] as const) {
      metrics.shadowDocuments.set({ state }, gauges.documents[state]);
    }
    metrics.shadowIdentityPairs.set(gauges.identityPairs);
    metrics.shadowEvidenceBytes.set(gauges.evidenceBytes);
    this.#countDropped(gauges);
  }

  #countDropped({ evidenceDropped, missesDropped }: ShadowGauges): void {
    for (const [reason, count] of Object.entries(evidenceDropped)) {
      const more = count - (this.#dropped[reason] ?? 0);
      if (more > 0) this.#metrics.shadowEvidenceDropped.inc({ reason }, more);
    }
    this.#dropped = evidenceDropped;
    const missed = missesDropped - this.#missesDropped;
    if (missed > 0) this.#metrics.queueDropped.inc({ queue: "shadow_misses" }, missed);
    this.#missesDropped = missesDropped;
  }
}
