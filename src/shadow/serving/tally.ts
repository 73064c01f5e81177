// Counts every exchange once, in the accounting and in the metrics alike (shadow A1).
import type { RouteId, UnitId } from "../../kernel/index.ts";
import type { Metrics } from "../../metrics/index.ts";
import { Accounting } from "../accounting.ts";
import type { EndedItem } from "../threads/messages.ts";
import type { NotComparedReason } from "../words.ts";

const MS_PER_S = 1_000;

export class Tally {
  readonly accounting = new Accounting();
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  unsafe(unit: UnitId): void {
    this.#metrics.shadowOffered.of({ unit }).count++;
    this.accounting.offer("unsafe");
    this.#metrics.shadowNotCompared.inc({ unit, reason: "unsafe_write" });
  }

  notSampled(unit: UnitId): void {
    this.#metrics.shadowOffered.of({ unit }).count++;
    this.accounting.offer("not_sampled");
  }

  sampled(unit: UnitId, route: RouteId): void {
    this.#metrics.shadowOffered.of({ unit }).count++;
    this.#metrics.shadowSampled.of({ route }).count++;
    this.accounting.offer("sampled");
  }

  /** Of one that was sampled. */
  notCompared(unit: UnitId, reason: NotComparedReason): void {
    this.accounting.judge();
    this.#metrics.shadowNotCompared.inc({ unit, reason });
  }

  /** Of one that was sampled. */
  judged({ route, unit, verdict, reason, differences, latencyMs }: Omit<EndedItem, "id">): void {
    if (verdict === "not_compared") {
      this.notCompared(unit, reason ?? "engine_lost");
      return;
    }
    const metrics = this.#metrics;
    this.accounting.judge();
    metrics.shadowComparisons.of({ route, verdict }).count++;
    for (const [kind, severity] of differences) metrics.shadowDifferences.inc({ kind, severity });
    for (const arm of ["control", "candidate"] as const) {
      const ms = latencyMs[arm];
      if (ms !== null) metrics.shadowDuration.of({ route, arm }).observe(ms / MS_PER_S);
    }
  }
}
