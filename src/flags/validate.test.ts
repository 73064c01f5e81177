import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDocument } from "./document.ts";
import type { FeatureDefinition } from "./ports.ts";
import { accept, isPercent, readUnitFlag } from "./validate.ts";

const flag = (parameters: Record<string, unknown>, more: object = {}): FeatureDefinition =>
  ({ name: "f", enabled: true, strategies: [{ name: "flexibleRollout", parameters }], ...more }) as FeatureDefinition;

const problemOf = (feature: FeatureDefinition): string => {
  const read = readUnitFlag(feature);
  return "problem" in read ? read.problem : "";
};

test("a share is a percentage with at most one decimal, anything else is refused by name", () => {
  for (const rollout of ["0", "0.1", "5", "12.5", "99.9", "100", "100.0", 25, 12.5])
    assert.equal(problemOf(flag({ rollout })), "");
  for (const rollout of ["150", "-1", "abc", "", "12.55", "1e1", "100.1", "0x10", " 5", "NaN", "Infinity", 101, -0.1]) {
    assert.match(problemOf(flag({ rollout })), /is no percentage from 0 to 100/, String(rollout));
  }
  assert.match(problemOf(flag({})), /is no percentage/);
});

test("every tenth from 0 to 100 is a percentage as people and programs write it", () => {
  fc.assert(
    fc.property(fc.nat(1_000), (tenths) => isPercent(String(tenths / 10)) && isPercent((tenths / 10).toFixed(1))),
  );
});

test("stickiness random is refused, default is read as userId", () => {
  assert.match(problemOf(flag({ rollout: "5", stickiness: "random" })), /stickiness "random" is refused/);
  assert.match(problemOf(flag({ rollout: "5", stickiness: "sessionId" })), /refused/);
  const read = readUnitFlag(flag({ rollout: 5, stickiness: "default" }));
  assert.ok("value" in read);
  assert.deepEqual(read.value.strategies?.[0]?.parameters, {
    rollout: "5",
    stickiness: "userId",
    groupId: "switchyard",
  });
  assert.match(problemOf(flag({ rollout: "5", groupId: "mine" })), /groupId "mine" is refused/);
});

test("a flag that is on without strategies is refused: it would be on for everyone", () => {
  assert.match(problemOf({ name: "f", enabled: true }), /without strategies/);
  assert.match(problemOf({ name: "f", enabled: true, strategies: [] }), /without strategies/);
  assert.equal(problemOf({ name: "f", enabled: false }), "");
});

test("what the engine would choke on or roll dice over is refused", () => {
  const constrained = (constraint: object) => ({
    ...flag({}),
    strategies: [{ name: "default", constraints: [constraint] }],
  });
  assert.match(problemOf(constrained({ contextName: "userId", operator: "IN" })), /no list of values/);
  assert.notEqual(problemOf(constrained({ operator: "IN", values: [] })), "");
  assert.match(
    problemOf({ name: "f", enabled: true, strategies: [{ name: "gradualRolloutRandom" }] }),
    /random number/,
  );
  assert.notEqual(problemOf({ name: "f", enabled: "yes" as never, strategies: [{ name: "default" }] }), "");
});

test("an invalid flag keeps the last valid definition, off is obeyed even then, a flag that is gone is gone", () => {
  const units = new Set(["f"]);
  const take = (features: FeatureDefinition[], held: ReadonlyMap<string, FeatureDefinition>) =>
    accept({ version: 2, features }, units, held);
  const good = flag({ rollout: "25" });
  const bad = flag({ rollout: "150" });

  const never = take([bad], new Map());
  assert.deepEqual([never.data.features, never.faults[0]?.kept], [[], "off"]);

  const first = take([good], new Map());
  assert.deepEqual(first.faults, []);
  const kept = take([bad], first.held);
  assert.deepEqual([kept.data.features, kept.faults[0]?.kept], [[good], "last valid definition"]);
  const off = take([{ ...bad, enabled: false, strategies: "?" as never }], kept.held);
  assert.deepEqual([off.data.features[0]?.enabled, off.faults[0]?.kept], [false, "off"]);
  assert.equal(take([bad], off.held).data.features[0]?.enabled, false);
  const gone = take([], kept.held);
  assert.deepEqual(take([bad], gone.held).data.features, []);
  const twice = take([good, { ...good, enabled: false }], first.held);
  assert.deepEqual([twice.data.features.length, twice.data.features[0]?.enabled], [1, false]);
});

test("flags that belong to no unit pass as they are", () => {
  const foreign = { name: "other", enabled: true };
  assert.deepEqual(accept({ version: 2, features: [foreign] }, new Set(["f"]), new Map()).data.features, [foreign]);
});

test("a document is refused for its size, its depth, its shape, with the place", () => {
  assert.throws(() => parseDocument("{"), { code: "FLAGS_DOCUMENT", message: /is not JSON/ });
  assert.throws(() => parseDocument('{"version":2}'), { message: /is no client-features document: features/ });
  assert.throws(() => parseDocument('{"version":2,"features":[{"enabled":true}]}'), { message: /features\.0\.name/ });
  const deep = `${"[".repeat(40)}${"]".repeat(40)}`;
  assert.throws(() => parseDocument(`{"version":2,"features":[],"x":${deep}}`), { message: /deeper than 32/ });
  assert.throws(() => parseDocument(`{"version":2,"features":[],"x":"${"y".repeat(1_048_576)}"}`), {
    message: /larger than/,
  });
  const document = parseDocument('{"version":2,"features":[{"name":"f","enabled":true,"strategies":[]}],"own":1}');
  assert.ok(Object.isFrozen(document.features[0]?.strategies));
  assert.equal((document as unknown as { own: number }).own, 1);
});
