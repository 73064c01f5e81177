import assert from "node:assert/strict";
import { test } from "node:test";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import { type PathCounts, testPaths } from "./familyTest.ts";
import { NoiseModel, VALUES_MIN } from "./noiseModel.ts";
import { seeded } from "../testing/seeded.ts";
import { type Recheck, RecheckTally } from "./recheckTally.ts";

/** A path on which control differs from itself with `noise` and from the candidate with `noise + added`. */
function simulate(random: () => number, exchanges: number, noise: number, added = 0): PathCounts {
  let [onlyArms, onlyItself] = [0, 0];
  for (let at = 0; at < exchanges; at++) {
    const [arms, itself] = [random() < noise + added, random() < noise];
    if (arms && !itself) onlyArms += 1;
    if (itself && !arms) onlyItself += 1;
  }
  return { exchanges, onlyArms, onlyItself };
}

/** shadow §17, row 11. Diffy's rule beside it: a path differs when its raw rate exceeds 1.2 × its noise by 0.03 points. */
test("shadow §17: pure noise of 1 to 20 % makes no families", () => {
  const random = seeded(11);
  const sizes: readonly (readonly [exchanges: number, windows: number])[] = [
    [50, 200],
    [500, 100],
    [5_000, 20],
    [50_000, 4],
    [200_000, 1],
  ];
  let [paths, false_, ofDiffy] = [0, 0, 0];
  for (const [exchanges, windows] of sizes) {
    for (let window = 0; window < windows; window++) {
      const all = Array.from({ length: 20 }, (_, at) => simulate(random, exchanges, (at + 1) / 100));
      paths += all.length;
      false_ += testPaths(all).filter(({ isConfirmed }) => isConfirmed).length;
      ofDiffy += all.filter(({ onlyArms, onlyItself }) => onlyArms > 1.2 * onlyItself + 0.0003 * exchanges).length;
    }
  }
  assert.ok(false_ <= paths / 1_000, `${false_} of ${paths}`);
  assert.ok(ofDiffy / paths > 0.1, "the rule of comparison finds too few: the noise is too weak to prove anything");
});

test("shadow §17: three points on ten per cent of noise are found at 20,000 exchanges", () => {
  const random = seeded(12);
  const quiet = Array.from({ length: 19 }, (_, at) => simulate(random, 20_000, (at + 1) / 100));
  let added = 0;
  const windows = 100;
  for (let window = 0; window < windows; window++) {
    added += Number(testPaths([...quiet, simulate(random, 20_000, 0.1, 0.03)]).at(-1)?.isConfirmed);
  }
  assert.ok(added >= 0.99 * windows, `${added} of ${windows}`);
});

test("shadow §17: one in a thousand on a path that is quiet otherwise is found by the re-checks", () => {
  const random = seeded(13);
  let found = 0;
  const windows = 1_000;
  for (let window = 0; window < windows; window++) {
    const tally = new RecheckTally();
    for (let at = 0; at < 20_000; at++) {
      if (random() < 0.001)
        tally.add({ isArmsApart: true, isControlStable: true, isCandidateStable: true }, `user-${at % 50}`);
    }
    found += Number(tally.isConfirmed);
  }
  assert.ok(found >= 0.99 * windows, `${found} of ${windows}`);
});

test("a family is confirmed by three re-checks of two groups, and never on a path that control changes by itself", () => {
  const real = { isArmsApart: true, isControlStable: true, isCandidateStable: true };
  const tally = (...seen: readonly (readonly [Recheck, string])[]): boolean => {
    const counted = new RecheckTally();
    for (const [recheck, group] of seen) counted.add(recheck, group);
    return counted.isConfirmed;
  };
  assert.ok(!tally([real, "a"], [real, "b"]));
  assert.ok(!tally([real, "a"], [real, "a"], [real, "a"]));
  assert.ok(tally([real, "a"], [real, "b"], [real, "a"]));
  assert.ok(!tally([real, "a"], [real, "b"], [{ ...real, isCandidateStable: false }, "c"]));
  assert.ok(!tally([real, "a"], [real, "b"], [real, "a"], [{ ...real, isControlStable: false }, "c"]));
});

test("an effect too small to look at confirms nothing, however sure it is", () => {
  const [finding] = testPaths([{ exchanges: 1_000_000, onlyArms: 300, onlyItself: 0 }]);
  assert.ok(finding !== undefined && finding.p < 1e-50 && !finding.isConfirmed);
});

const value = (template: string, control: string, candidate: string): FoundDifference => ({
  template,
  path: template,
  kind: "value",
  severity: "value",
  control,
  candidate,
  count: 1,
  acceptedBy: null,
});

const ROUTE = "GET /a";

/** Control has differed from itself so often on this path, with ids. */
function learnt(repeats: number): NoiseModel {
  const model = new NoiseModel();
  for (let at = 0; at < repeats; at++) model.learnRepeat(ROUTE, [value("$.id", "uuid", "uuid")]);
  return model;
}

test("what control changes by itself is noise, once enough of it was seen, and on that path of that route only", () => {
  const is = (model: NoiseModel, ...found: readonly FoundDifference[]): boolean => model.settle(ROUTE, found).isNoise;
  assert.ok(!is(learnt(10), value("$.id", "uuid", "uuid")));
  assert.ok(is(learnt(25), value("$.id", "uuid", "uuid")));
  assert.ok(!is(learnt(25), value("$.id", "uuid", "uuid"), value("$.name", "text", "text")));
  assert.ok(!learnt(25).settle("GET /b", [value("$.id", "uuid", "uuid")]).isNoise);
  assert.ok(!is(learnt(25), { ...value("$.id", "uuid", "uuid"), kind: "missing", severity: "breaking" }));
  const accepted = { ...value("$.name", "text", "text"), acceptedBy: "rule" };
  assert.ok(is(learnt(25), value("$.id", "uuid", "uuid"), accepted));
  assert.ok(!is(learnt(25), accepted), "accepted it is, not noise");
});

test("shadow §17: a broken format on a path that always changes is breaking, at the first value after fifty", () => {
  const model = new NoiseModel();
  for (let at = 0; at < VALUES_MIN; at++) {
    const [seen] = model.settle(ROUTE, [value("$.id", "uuid", at % 2 === 0 ? "uuid" : "text")]).differences;
    assert.equal(seen?.kind, "value", `call ${at}`);
  }
  const { differences, isNoise } = model.settle(ROUTE, [value("$.id", "uuid", "text")]);
  assert.deepEqual([differences[0]?.kind, differences[0]?.severity, isNoise], ["type", "breaking", false]);
  assert.equal(model.settle(ROUTE, [value("$.id", "uuid", "uuid")]).differences[0]?.kind, "value");
});

test("what control writes in several formats may come in any of them", () => {
  const model = new NoiseModel();
  for (let at = 0; at < 60; at++)
    model.learnRepeat(ROUTE, [value("$.n", at % 4 === 0 ? "null" : "decimal", "integer")]);
  for (const seen of ["null", "decimal", "integer"])
    assert.ok(model.settle(ROUTE, [value("$.n", "integer", seen)]).isNoise);
  assert.ok(!model.settle(ROUTE, [value("$.n", "integer", "digits")]).isNoise);
});

test("paths are bounded: the one seen longest ago is learnt anew", () => {
  const model = new NoiseModel(2);
  for (const name of ["a", "b", "a", "c"]) model.learnRepeat(ROUTE, [value(`$.${name}`, "text", "text")]);
  assert.deepEqual(
    ["a", "b", "c"].map((name) => model.itself(ROUTE, `$.${name}`)),
    [2, 0, 1],
  );
});
