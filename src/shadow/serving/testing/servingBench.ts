// The serving thread's end of the shadow with a manual clock, and what it hands over.
import assert from "node:assert/strict";
import type { RouteConfig, UnitConfig } from "../../../config/index.ts";
import { type Arm, ARMS, createManualClock, type ManualClock } from "../../../kernel/index.ts";
import { createMetrics, type Metrics } from "../../../metrics/index.ts";
import type { LeavingLeg } from "../../../proxy/ports.ts";
import { Pressure } from "../../mirror/pressure.ts";
import type { RoutePlan } from "../../plans.ts";
import type { CompareItem, EndedItem, MirrorItem, TargetState } from "../../threads/messages.ts";
import type { ArmSettings } from "../../threads/shadowSettings.ts";
import type { VerdictName } from "../../words.ts";
import { Groups, type GroupWish } from "../groups.ts";
import { ServingMirror } from "../servingMirror.ts";

export const planOf = (more: Partial<RoutePlan> & { readonly id: string }): RoutePlan => ({
  unit: "u",
  methods: ["GET"],
  paths: [`/${more.id}`],
  isPlain: false,
  mode: "read",
  isStateful: false,
  samplePercent: 100,
  tapBytes: 1_000,
  copiesPerMinute: 60_000,
  mayCarryCookies: false,
  bodies: "shape",
  surface: null,
  ...more,
});

export const SAFE: TargetState = { guard: "safe", circuit: "closed", restsUntilMs: 0 };
export const targets = (state: Partial<TargetState>): Readonly<Record<Arm, TargetState>> => ({
  control: { ...SAFE, ...state },
  candidate: { ...SAFE, ...state },
});

export function legOf(plan: RoutePlan, more: Partial<LeavingLeg> = {}): LeavingLeg {
  return {
    unit: { id: plan.unit } as UnitConfig,
    route: { id: plan.id } as RouteConfig,
    arm: "control",
    subject: "ann",
    method: "GET",
    headers: ["Authorization", "Bearer of-the-user"],
    requestId: "r1",
    targetFor: () => `/${plan.id}?q=1`,
    ...more,
  };
}

export interface BenchSettings {
  readonly plans: readonly RoutePlan[];
  readonly repeatsShare?: number;
  readonly hasSeeds?: boolean;
  readonly origins?: Readonly<Partial<Record<Arm, string>>>;
}

export interface ServingBench {
  readonly clock: ManualClock;
  readonly metrics: Metrics;
  readonly pressure: Pressure;
  readonly groups: Groups;
  readonly seeds: GroupWish[];
  readonly checks: GroupWish[];
  readonly serving: ServingMirror;
  readonly toMirror: MirrorItem[];
  readonly toCompare: CompareItem[];
  /** What is called with each item before it is handed over: it may throw. */
  readonly hooks: { onItem(item: MirrorItem | CompareItem, to: "mirror" | "compare"): void };
  configure(settings: BenchSettings): void;
  /** All that waits for it gets its seed. */
  seed(): void;
  /** What the compare thread would say. */
  end(id: number, verdict?: VerdictName): void;
  /** `reason count` of what was not compared. */
  notCompared(): Promise<readonly string[]>;
}

export function openServingBench(settings: BenchSettings): ServingBench {
  const clock = createManualClock();
  const metrics = createMetrics({ version: "test" });
  const pressure = new Pressure();
  const [seeds, checks]: [GroupWish[], GroupWish[]] = [[], []];
  const [toMirror, toCompare]: [MirrorItem[], CompareItem[]] = [[], []];
  const hooks: ServingBench["hooks"] = { onItem: () => {} };
  const groups: Groups = new Groups({
    clock,
    isBusy: (unit, group) => serving.isBusy(unit, group),
    seed: (wish) => seeds.push(wish),
    check: (wish) => checks.push(wish),
  });
  const serving: ServingMirror = new ServingMirror({
    clock,
    metrics,
    pressure,
    groups,
    random: () => 0.5,
    toMirror(item) {
      hooks.onItem(item, "mirror");
      toMirror.push(item);
    },
    toCompare(item) {
      hooks.onItem(item, "compare");
      toCompare.push(item);
    },
  });
  const bench: ServingBench = {
    clock,
    metrics,
    pressure,
    groups,
    seeds,
    checks,
    serving,
    toMirror,
    toCompare,
    hooks,
    configure({ plans, repeatsShare = 0, hasSeeds = false, origins = {} }) {
      const arm = (name: Arm): ArmSettings => {
        const origin = origins[name];
        const target = origin === undefined ? null : { origin, isGuarded: true, tokenKey: null };
        return { serving: [], target };
      };
      serving.configure({
        plans: new Map(plans.map((plan) => [plan.id, plan])),
        repeatsShare,
        seeds: hasSeeds ? { servingToken: "", targetTokens: { control: "t", candidate: "t" } } : null,
        arms: { control: arm("control"), candidate: arm("candidate") },
      });
    },
    seed() {
      clock.advance(2_500);
      groups.tick();
      for (const wish of seeds.splice(0)) groups.seeded(wish);
    },
    end: (id, verdict = "identical") => serving.ended([endedItem(id, verdict)]),
    async notCompared() {
      const metric = (await metrics.json()).find(({ name }) => name === "switchyard_shadow_not_compared_total");
      return (metric?.values ?? []).map(({ labels, value }) => `${String(labels["reason"])} ${value}`).sort();
    },
  };
  bench.configure(settings);
  serving.setTargets(targets({}));
  return bench;
}

export const endedItem = (id: number | null, verdict: VerdictName): EndedItem => ({
  id,
  route: "none",
  unit: "none",
  verdict,
  reason: verdict === "not_compared" ? "external" : null,
  differences: verdict === "different" ? [["value", "breaking"]] : [],
  latencyMs: { control: 1, candidate: ARMS.length },
});

/** Everything that was offered is accounted for. */
export function assertWhole({ serving }: ServingBench): void {
  assert.equal(serving.accounting.gap, 0, "gap");
  assert.equal(serving.accounting.open, serving.open, "open");
}

export const HEAD: readonly [number, readonly Buffer[]] = [
  200,
  [Buffer.from("Content-Type"), Buffer.from("text/plain")],
];
