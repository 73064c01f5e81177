import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import type { Context } from "unleash-client";
import { createEngine, snapshotOf } from "./engine.ts";
import type { ClientFeatures, FeatureDefinition, SegmentDefinition } from "./ports.ts";

const require = createRequire(import.meta.url);
const SPECIFICATIONS = "@unleash/client-specification/specifications";

interface DeltaEvent {
  readonly type: "hydration" | "feature-updated" | "feature-removed" | "segment-updated" | "segment-removed";
  readonly features?: FeatureDefinition[];
  readonly segments?: SegmentDefinition[];
  readonly feature?: FeatureDefinition;
  readonly featureName?: string;
  readonly segment?: SegmentDefinition;
  readonly segmentId?: number;
}
interface Case {
  readonly description: string;
  readonly context: Record<string, unknown>;
  readonly toggleName: string;
  readonly expectedResult: unknown;
}
interface Specification {
  readonly name: string;
  readonly state: ClientFeatures & { readonly events?: DeltaEvent[] };
  readonly tests?: Case[];
  readonly variantTests?: Case[];
}

/** The suite's delta files hold events instead of a document; the document is what they add up to. */
function documentOf(state: Specification["state"]): ClientFeatures {
  if (!state.events) return state;
  const features = new Map<string, FeatureDefinition>();
  const segments = new Map<number, SegmentDefinition>();
  for (const event of state.events) {
    for (const feature of event.features ?? []) features.set(feature.name, feature);
    for (const segment of event.segments ?? []) segments.set(segment.id, segment);
    if (event.feature) features.set(event.feature.name, event.feature);
    if (event.segment) segments.set(event.segment.id, event.segment);
    if (event.type === "feature-removed") features.delete(event.featureName ?? "");
    if (event.type === "segment-removed") segments.delete(event.segmentId ?? -1);
  }
  return { version: 2, features: [...features.values()], segments: [...segments.values()] };
}

const contextOf = (raw: Record<string, unknown>): Context =>
  (typeof raw.currentTime === "string" ? { ...raw, currentTime: new Date(raw.currentTime) } : raw) as Context;

test("passes Unleash's public client specification, every case of every file", async (suite) => {
  const files = require(`${SPECIFICATIONS}/index.json`) as string[];
  assert.equal(files.length, 22);
  const engine = createEngine();
  let cases = 0;
  for (const file of files) {
    const specification = require(`${SPECIFICATIONS}/${file}`) as Specification;
    await suite.test(specification.name, () => {
      const snapshot = snapshotOf(documentOf(specification.state));
      for (const { description, context, toggleName, expectedResult } of specification.tests ?? []) {
        assert.equal(engine.isEnabled(snapshot, toggleName, contextOf(context)), expectedResult, description);
        cases++;
      }
      for (const { description, context, toggleName, expectedResult } of specification.variantTests ?? []) {
        const { featureEnabled: _duplicate, ...variant } = engine.variant(snapshot, toggleName, contextOf(context));
        assert.deepEqual(JSON.parse(JSON.stringify(variant)), expectedResult, description);
        cases++;
      }
    });
  }
  suite.diagnostic(`${cases} cases in ${files.length} files`);
  assert.equal(cases, 279);
});

const flag = (name: string, strategies: FeatureDefinition["strategies"]): ClientFeatures => ({
  version: 2,
  features: [{ name, enabled: true, ...(strategies ? { strategies } : {}) }],
});

test("never draws a random number: a share without a stable id is off, the same each time", () => {
  const engine = createEngine();
  for (const stickiness of ["random", "default"]) {
    const half = snapshotOf(flag("f", [{ name: "flexibleRollout", parameters: { rollout: "99.9", stickiness } }]));
    const answers = new Set(Array.from({ length: 200 }, () => engine.isEnabled(half, "f", {})));
    assert.deepEqual([...answers], [false], stickiness);
    const all = snapshotOf(flag("f", [{ name: "flexibleRollout", parameters: { rollout: "100", stickiness } }]));
    assert.equal(engine.isEnabled(all, "f", {}), true, "everyone needs no id");
  }
  const dice = snapshotOf(flag("f", [{ name: "gradualRolloutRandom", parameters: { percentage: "50" } }]));
  assert.deepEqual([...new Set(Array.from({ length: 200 }, () => engine.isEnabled(dice, "f", {})))], [false]);
});

test("a constraint the SDK chokes on means off and is counted", () => {
  const engine = createEngine();
  const broken = snapshotOf(
    flag("f", [{ name: "default", parameters: {}, constraints: [{ contextName: "userId", operator: "IN" }] }]),
  );
  assert.equal(engine.isEnabled(broken, "f", { userId: "u" }), false);
  assert.equal(engine.failures, 1);
});

test("names like __proto__ are ordinary flags (security J8)", () => {
  const engine = createEngine();
  const empty = snapshotOf({ version: 2, features: [] });
  const present = snapshotOf(flag("__proto__", [{ name: "default" }]));
  for (const name of ["__proto__", "constructor", "toString"]) assert.equal(engine.isEnabled(empty, name, {}), false);
  assert.equal(engine.isEnabled(present, "__proto__", {}), true);
});

test("asking one snapshot never answers from another", () => {
  const engine = createEngine();
  const on = snapshotOf(flag("f", [{ name: "default" }]));
  const off = snapshotOf({ version: 2, features: [] });
  assert.deepEqual(
    [on, off, on, off].map((snapshot) => engine.isEnabled(snapshot, "f", {})),
    [true, false, true, false],
  );
});

test("opens no timer, socket or file of its own", () => {
  const before = process.getActiveResourcesInfo().length;
  createEngine();
  assert.equal(process.getActiveResourcesInfo().length, before);
});
