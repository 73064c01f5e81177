import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import type { Context } from "unleash-client";
import { createEngine, snapshotOf } from "./engine.ts";
import { GROUP_ID, hashOf, isInCohort, rank, rankOf } from "./rank.ts";

const SUBJECTS = Array.from({ length: 100_000 }, (_, at) => `u_${at}`);
const HASHES = SUBJECTS.map((subject) => hashOf(GROUP_ID, subject));

interface BuiltIn {
  isEnabled(parameters: Record<string, string>, context: Context): boolean;
}
/** The SDK's own strategy, which ours replaces: the oracle. */
const require = createRequire(import.meta.url);
const { default: FlexibleRolloutStrategy } = require("unleash-client/lib/strategy/flexible-rollout-strategy") as {
  default: new () => BuiltIn;
};
const builtIn = new FlexibleRolloutStrategy();
const parameters = (percent: number) => ({ rollout: String(percent), stickiness: "userId", groupId: GROUP_ID });

test("whole percents equal the built-in strategy, subject by subject, for 100,000 subjects", () => {
  for (const percent of [0, 1, 2, 5, 10, 25, 33, 50, 67, 75, 90, 99, 100]) {
    const wanted = parameters(percent);
    for (const [at, userId] of SUBJECTS.entries()) {
      const ours = isInCohort(HASHES[at] as number, percent);
      if (ours !== builtIn.isEnabled(wanted, { userId })) assert.fail(`${userId} at ${percent} %`);
    }
  }
});

test("between whole percents the built-in's cohort lies within ours", () => {
  for (const percent of [0.1, 0.5, 0.9, 1.1, 12.5, 49.9, 99.9]) {
    const wanted = parameters(percent);
    for (const [at, userId] of SUBJECTS.entries()) {
      if (builtIn.isEnabled(wanted, { userId }) && !isInCohort(HASHES[at] as number, percent)) {
        assert.fail(`${userId} at ${percent} %`);
      }
    }
  }
});

test("every tenth of a percent adds subjects and loses none", () => {
  // Equivalent for all subjects at once: who is in at p is exactly who has a rank below 10 p.
  for (let tenths = 0; tenths <= 1_000; tenths++) {
    for (let r = 0; r < 1_000; r++) {
      const hash = Math.floor(r / 10) + (r % 10) * 100;
      assert.equal(rank(hash), r);
      if (isInCohort(hash, tenths / 10) !== r < tenths) assert.fail(`rank ${r} at ${tenths / 10} %`);
    }
  }
  fc.assert(
    fc.property(fc.nat(0xff_ff_ff_ff), fc.nat(1_000), fc.nat(1_000), (hash, a, b) => {
      const [low, high] = [Math.min(a, b) / 10, Math.max(a, b) / 10];
      return !isInCohort(hash, low) || isInCohort(hash, high);
    }),
  );
});

test("the share of 100,000 subjects is within 0.3 points at every tenth", () => {
  const below = Array.from({ length: 1_001 }, () => 0);
  for (const hash of HASHES) below[rank(hash) + 1] = (below[rank(hash) + 1] ?? 0) + 1;
  let sum = 0;
  for (let tenths = 0; tenths <= 1_000; tenths++) {
    sum += below[tenths] ?? 0;
    const points = Math.abs(sum / SUBJECTS.length - tenths / 1_000) * 100;
    assert.ok(points <= 0.3, `${tenths / 10} %: ${points.toFixed(3)} points off`);
  }
});

test("through the engine a share below 1 % serves its subjects, which the built-in does not", () => {
  const engine = createEngine();
  const strategies = [{ name: "flexibleRollout", parameters: parameters(0.5) }];
  const snapshot = snapshotOf({ version: 2, features: [{ name: "f", enabled: true, strategies }] });
  const served = SUBJECTS.filter((userId) => engine.isEnabled(snapshot, "f", { userId }));
  assert.deepEqual(
    served,
    SUBJECTS.filter((subject) => rankOf(subject) < 5),
  );
  assert.ok(served.length > 400 && served.length < 600, `${served.length} of 100,000`);
});

test("the cohort of a share is the same in every unit", () => {
  const engine = createEngine();
  const features = ["a", "b"].map((name) => ({
    name,
    enabled: true,
    strategies: [{ name: "flexibleRollout", parameters: parameters(12.5) }],
  }));
  const snapshot = snapshotOf({ version: 2, features });
  for (const userId of SUBJECTS.slice(0, 10_000)) {
    if (engine.isEnabled(snapshot, "a", { userId }) !== engine.isEnabled(snapshot, "b", { userId }))
      assert.fail(userId);
  }
});
