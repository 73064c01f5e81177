// Counts every exchange once, in the accounting and in the metrics alike (shadow A1).
import { type Arm, ARMS, type RouteId, type UnitId } from "../../kernel/index.ts";
import type { Metrics } from "../../metrics/index.ts";
import { Accounting } from "../accounting.ts";
import type { EndedItem } from "../threads/messages.ts";
import type { NotComparedReason, VerdictName } from "../words.ts";

const MS_PER_S = 1_000;

type Count = ReturnType<Metrics["shadowOffered"]["of"]>;
type Timing = ReturnType<Metrics["shadowDuration"]["of"]>;

interface RouteSeries {
  readonly sampled: Count;
  readonly durations: Readonly<Record<Arm, Timing>>;
  readonly verdicts: Map<VerdictName, Count>;
}

/** What is looked up by its labels is kept: to look it up costs more than to count. Units, routes and reasons are closed sets. */
export class Tally {
  readonly accounting = new Accounting();
  readonly offerSeconds: Timing;
  readonly #metrics: Metrics;
  readonly #offered = new Map<UnitId, Count>();
  readonly #reasons = new Map<UnitId, Map<NotComparedReason, Count>>();
  readonly #routes = new Map<RouteId, RouteSeries>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.offerSeconds = metrics.shadowOfferSeconds.of({});
  }

  unsafe(unit: UnitId): void {
    this.#offer(unit);
    this.accounting.offer("unsafe");
    this.#reason(unit, "unsafe_write").count++;
  }

  notSampled(unit: UnitId): void {
    this.#offer(unit);
    this.accounting.offer("not_sampled");
  }

  sampled(unit: UnitId, route: RouteId): void {
    this.#offer(unit);
    this.#route(route).sampled.count++;
    this.accounting.offer("sampled");
  }

  /** Of one that was sampled. */
  notCompared(unit: UnitId, reason: NotComparedReason): void {
    this.accounting.judge();
    this.#reason(unit, reason).count++;
  }

  /** Of one that was sampled. */
  judged({ route, unit, verdict, reason, differences, latencyMs }: Omit<EndedItem, "id">): void {
    if (verdict === "not_compared") {
      this.notCompared(unit, reason ?? "engine_lost");
      return;
    }
    this.accounting.judge();
    const { verdicts, durations } = this.#route(route);
    kept(verdicts, verdict, () => this.#metrics.shadowComparisons.of({ route, verdict })).count++;
    for (const [kind, severity] of differences) this.#metrics.shadowDifferences.inc({ kind, severity });
    for (const arm of ARMS) {
      const ms = latencyMs[arm];
      if (ms !== null) durations[arm].observe(ms / MS_PER_S);
    }
  }

  #offer(unit: UnitId): void {
    kept(this.#offered, unit, () => this.#metrics.shadowOffered.of({ unit })).count++;
  }

  #reason(unit: UnitId, reason: NotComparedReason): Count {
    const reasons = kept(this.#reasons, unit, () => new Map<NotComparedReason, Count>());
    return kept(reasons, reason, () => this.#metrics.shadowNotCompared.of({ unit, reason }));
  }

  #route(route: RouteId): RouteSeries {
    const { shadowSampled, shadowDuration } = this.#metrics;
    return kept(this.#routes, route, () => ({
      sampled: shadowSampled.of({ route }),
      durations: {
        control: shadowDuration.of({ route, arm: "control" }),
        candidate: shadowDuration.of({ route, arm: "candidate" }),
      },
      verdicts: new Map(),
    }));
  }
}

function kept<Key, Value>(known: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = known.get(key);
  if (value === undefined) known.set(key, (value = make()));
  return value;
}
