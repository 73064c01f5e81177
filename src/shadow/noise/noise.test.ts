import assert from "node:assert/strict";
import { test } from "node:test";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import { testPaths } from "./familyTest.ts";
import { NoiseModel, VALUES_MIN } from "./noiseModel.ts";
import { seeded } from "../testing/seeded.ts";
import { type Recheck, RecheckTally } from "./recheckTally.ts";

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
const HOUR_MS = 3_600_000;

interface SimulatedPath {
  readonly noise: number;
  /** So much more often the candidate differs than control from itself. */
  readonly added?: number;
}

interface Simulated {
  readonly found: ReadonlySet<string>;
  /** As Diffy's rule has it: a path differs when its raw rate exceeds 1.2 × its noise by 0.03 points. */
  readonly ofDiffy: number;
}

/** One hour of a model: exchanges with a repeat, all in one minute, so that all three windows are asked. */
function simulate(
  model: NoiseModel,
  random: () => number,
  hour: number,
  exchanges: number,
  paths: readonly SimulatedPath[],
): Simulated {
  const all = paths.map(({ noise, added = 0 }, at) => ({
    noise,
    added,
    difference: value(`$.p${at}`, "text", "text"),
    onlyArms: 0,
    onlyItself: 0,
  }));
  model.closeWindows(hour * HOUR_MS);
  for (let at = 0; at < exchanges; at++) {
    const [arms, itself]: [FoundDifference[], FoundDifference[]] = [[], []];
    for (const path of all) {
      const [isApart, isOwn] = [random() < path.noise + path.added, random() < path.noise];
      if (isApart) arms.push(path.difference);
      if (isOwn) itself.push(path.difference);
      if (isApart && !isOwn) path.onlyArms += 1;
      if (isOwn && !isApart) path.onlyItself += 1;
    }
    model.learnRepeat(ROUTE, { itself, arms });
  }
  const found = new Set(model.closeWindows((hour + 1) * HOUR_MS).map(({ template }) => template));
  const ofDiffy = all.filter(({ onlyArms, onlyItself }) => onlyArms > 1.2 * onlyItself + 0.0003 * exchanges).length;
  return { found, ofDiffy };
}

const NOISY = Array.from({ length: 20 }, (_, at): SimulatedPath => ({ noise: (at + 1) / 100 }));

test("shadow §17: pure noise of 1 to 20 % makes no families", () => {
  const random = seeded(11);
  const sizes: readonly (readonly [exchanges: number, windows: number])[] = [
    [50, 200],
    [500, 100],
    [5_000, 20],
    [50_000, 2],
    [200_000, 1],
  ];
  const model = new NoiseModel();
  let [hour, paths, false_, ofDiffy] = [0, 0, 0, 0];
  for (const [exchanges, windows] of sizes) {
    for (let window = 0; window < windows; window++) {
      const simulated = simulate(model, random, (hour += 2), exchanges, NOISY);
      paths += NOISY.length;
      false_ += simulated.found.size;
      ofDiffy += simulated.ofDiffy;
    }
  }
  assert.ok(false_ <= paths / 1_000, `${false_} of ${paths}`);
  assert.ok(ofDiffy / paths > 0.1, "the rule of comparison finds too few: the noise is too weak to prove anything");
});

test("shadow §17: three points on ten per cent of noise are found at 20,000 exchanges", () => {
  const random = seeded(12);
  const model = new NoiseModel();
  let found = 0;
  const windows = 100;
  for (let window = 0; window < windows; window++) {
    const paths = [{ noise: 0.1, added: 0.03 }, { noise: 0.01 }, { noise: 0.2 }];
    found += Number(simulate(model, random, 2 * window, 20_000, paths).found.has("$.p0"));
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

/** Control has differed from itself in so many of the repeats, in an id, and so has the candidate. */
function learnt(itself: number, repeats = itself): NoiseModel {
  const model = new NoiseModel();
  model.closeWindows(0);
  for (let at = 0; at < repeats; at++) {
    const found = at < itself ? [value("$.id", "uuid", "uuid")] : [];
    model.learnRepeat(ROUTE, { itself: found, arms: found });
  }
  return model;
}

const isNoise = (model: NoiseModel, ...found: readonly FoundDifference[]): boolean =>
  model.settle(ROUTE, found, 0).loud.length === 0;

test("what control changes by itself is noise, once enough of it was seen, and on that path of that route only", () => {
  const id = value("$.id", "uuid", "uuid");
  assert.ok(!isNoise(learnt(10), id));
  assert.ok(isNoise(learnt(25), id));
  assert.deepEqual(
    learnt(25)
      .settle(ROUTE, [id, value("$.name", "text", "text")], 0)
      .loud.map(({ template }) => template),
    ["$.name"],
  );
  assert.equal(learnt(25).settle("GET /b", [id], 0).loud.length, 1);
  assert.ok(!isNoise(learnt(25), { ...id, kind: "missing", severity: "breaking" }));
  assert.ok(!isNoise(learnt(25), { ...id, kind: "order" }), "control's own lists stand still");
  assert.ok(isNoise(learnt(25), id, { ...value("$.name", "text", "text"), acceptedBy: "rule" }));
});

test("a path is not noise for ever: one accident is none, a rare one neither, nor what was seen hours ago", () => {
  const id = value("$.id", "uuid", "uuid");
  const known = (model: NoiseModel): NoiseModel => {
    for (let at = 0; at < VALUES_MIN; at++) model.settle(ROUTE, [id], 0);
    return model;
  };
  assert.ok(!isNoise(known(learnt(1, 20)), id));
  assert.ok(isNoise(known(learnt(2, 20)), id));
  assert.ok(!isNoise(known(learnt(2, 20_000)), id));
  const model = known(learnt(25));
  model.closeWindows(HOUR_MS);
  assert.ok(isNoise(model, id), "the hour before still counts");
  model.closeWindows(2 * HOUR_MS);
  assert.ok(!isNoise(model, id));
  assert.equal(model.itself(ROUTE, "$.id"), 25);
});

test("a list that control itself puts in any order is noise in any order", () => {
  const model = new NoiseModel();
  const order: FoundDifference = { ...value("$.list", "array", "array"), kind: "order", severity: "order" };
  for (let at = 0; at < 25; at++) model.learnRepeat(ROUTE, { itself: [order], arms: null });
  assert.ok(isNoise(model, order));
});

test("shadow §8, layer 4: where the arms differ more often than control from itself it is no noise, for an hour", () => {
  const model = learnt(30, 100);
  const id = value("$.id", "uuid", "uuid");
  assert.ok(isNoise(model, id));
  for (let at = 0; at < 100; at++) model.learnRepeat(ROUTE, { itself: [], arms: at % 2 === 0 ? [id] : [] });
  assert.ok(isNoise(model, id), "asked when the window ends");
  assert.deepEqual(
    model.closeWindows(60_000).map(({ template }) => template),
    ["$.id"],
  );
  const loud = (atMs: number): number => model.settle(ROUTE, [id], atMs).loud.length;
  assert.deepEqual([loud(60_000), loud(60_000 + HOUR_MS), loud(60_001 + HOUR_MS)], [1, 1, 0]);
  assert.ok(model.isFound(ROUTE, "$.id", 60_000) && !model.isFound(ROUTE, "$.name", 60_000));
});

test("shadow §17: a broken format on a path that always changes is breaking, at the fiftieth call at the latest", () => {
  const model = new NoiseModel();
  const kindOf = (): string | undefined => {
    const [found] = model.settle(ROUTE, [value("$.id", "uuid", "text")], 0).differences;
    return `${found?.kind} ${found?.severity}`;
  };
  const kinds = Array.from({ length: VALUES_MIN }, kindOf);
  assert.deepEqual(new Set(kinds.slice(0, -1)), new Set(["value value"]));
  assert.equal(kinds.at(-1), "type breaking");
  assert.equal(model.settle(ROUTE, [value("$.id", "uuid", "uuid")], 0).differences[0]?.kind, "value");
});

test("what control writes in several formats may come in any of them", () => {
  const model = new NoiseModel();
  for (let at = 0; at < 60; at++)
    model.learnRepeat(ROUTE, { itself: [value("$.n", at % 4 === 0 ? "null" : "decimal", "integer")], arms: null });
  for (const seen of ["null", "decimal", "integer"]) assert.ok(isNoise(model, value("$.n", "integer", seen)));
  assert.ok(!isNoise(model, value("$.n", "integer", "digits")));
});

test("paths are bounded: the one seen longest ago is learnt anew, and what has no room is counted", () => {
  const model = new NoiseModel(2);
  for (const name of ["a", "b", "a", "c"])
    model.learnRepeat(ROUTE, { itself: [value(`$.${name}`, "text", "text")], arms: null });
  assert.deepEqual(
    ["a", "b", "c"].map((name) => model.itself(ROUTE, `$.${name}`)),
    [2, 0, 1],
  );
  // "b" is forgotten, and none of the three windows had room for "c".
  assert.equal(model.dropped, 4);
});
