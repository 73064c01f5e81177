import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { seeded } from "../testing/seeded.ts";
import { SEVERITIES } from "../words.ts";
import { Distinct, EXACT_MAX } from "./distinct.ts";
import { Families, FAMILY_STATES } from "./families.ts";
import { mergeFamilies } from "./familyMerge.ts";
import type { FamilyPart } from "./model.ts";
import { Reservoir } from "./reservoir.ts";
import { mergeSamples } from "./sampleMerge.ts";
import { FAMILY } from "./testing/rows.ts";

const distinctOf = (names: readonly string[]): Distinct => {
  const distinct = new Distinct();
  for (const name of names) distinct.add(name);
  return distinct;
};

test("groups are counted exactly while they are few, and then within three standard errors, in 345 characters", () => {
  for (let count = 0; count <= EXACT_MAX; count++) {
    const names = Array.from({ length: count }, (_, at) => `g${at}`);
    assert.equal(distinctOf([...names, ...names]).count, count);
  }
  let square = 0;
  let tries = 0;
  for (const count of [40, 100, 300, 640, 1_000, 3_000, 10_000, 50_000]) {
    for (let round = 0; round < 5; round++) {
      const found = distinctOf(Array.from({ length: count }, (_, at) => `${round}/${at}`));
      const error = found.count / count - 1;
      assert.ok(Math.abs(error) < 0.2, `${found.count} for ${count}`);
      assert.equal(found.text.length, 345);
      square += error ** 2;
      tries += 1;
    }
  }
  assert.ok(Math.sqrt(square / tries) < 0.075, `${Math.sqrt(square / tries)}`);
});

test("groups that several have counted are those that one would have counted, in any order", () => {
  const lists = fc.array(fc.array(fc.nat({ max: 80 }).map(String), { maxLength: 60 }), { maxLength: 5 });
  fc.assert(
    fc.property(lists, (all) => {
      const whole = distinctOf(all.flat());
      for (const parts of [all, all.toReversed()]) {
        const sum = new Distinct();
        for (const part of parts) sum.merge(new Distinct(distinctOf(part).text).text);
        assert.equal(sum.text, whole.text);
        assert.equal(sum.count, whole.count);
      }
    }),
  );
  for (const text of ["", "x", "e12", "hAAAA"]) assert.throws(() => new Distinct(text), SyntaxError);
});

const part = fc
  .record({
    severity: fc.constantFrom(...SEVERITIES),
    state: fc.constantFrom(...FAMILY_STATES),
    differing: fc.nat({ max: 9 }),
    names: fc.array(fc.nat({ max: 60 }).map(String), { maxLength: 40 }),
    firstSeenMs: fc.nat({ max: 4 }),
    lastSeenMs: fc.nat({ max: 4 }),
    firstBuild: fc.constantFrom("1", "2"),
    lastBuild: fc.constantFrom("1", "2"),
    offered: fc.nat({ max: 9 }),
    isByTest: fc.boolean(),
    agreed: fc.nat({ max: 3 }),
    groups: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 2 }),
    isNoisy: fc.boolean(),
    sinceMs: fc.option(fc.nat({ max: 4 })),
    goneMs: fc.option(fc.nat({ max: 4 })),
    fixed: fc.option(
      fc.record({ atMs: fc.nat({ max: 4 }), build: fc.constantFrom("1", "2") }, { noNullPrototype: true }),
    ),
  })
  .map(({ names, offered, isByTest, agreed, groups, isNoisy, sinceMs, goneMs, ...facts }): FamilyPart => {
    const distinct = distinctOf(names);
    const rechecks = { agreed: Math.max(agreed, groups.length), groups: groups.toSorted(), isNoisy };
    const memory = { offered, sinceMs, goneMs, groups: distinct.text, rechecks, isByTest };
    return { ...FAMILY, ...facts, isCarried: sinceMs === null, groups: distinct.count, memory };
  });

test("rows of one family are one row, whatever was added up first", () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.nat(), (parts, cut) => {
      const whole = mergeFamilies(parts);
      assert.deepEqual(mergeFamilies(parts.toReversed()), whole);
      const at = 1 + (cut % parts.length);
      const [left, right] = [parts.slice(0, at), parts.slice(at)];
      const folded = [mergeFamilies(left), ...(right.length > 0 ? [mergeFamilies(right)] : [])];
      assert.deepEqual(mergeFamilies(folded), whole);
    }),
  );
});

test("fixed is what nobody has seen here, regressed what was seen behind that", () => {
  const carried = {
    ...FAMILY,
    differing: 0,
    isCarried: true,
    lastBuild: "1.0",
    memory: { ...FAMILY.memory, sinceMs: null },
  };
  const fixed: FamilyPart = {
    ...carried,
    state: "fixed",
    fixed: { atMs: 50, build: "2.0" },
    memory: { ...carried.memory, goneMs: 50 },
  };
  const seenAt = (atMs: number): FamilyPart => ({
    ...FAMILY,
    severity: "extra",
    lastSeenMs: atMs,
    memory: { ...FAMILY.memory, sinceMs: atMs },
  });
  const stateOf = (...parts: readonly FamilyPart[]) => mergeFamilies(parts).state;
  assert.equal(stateOf(carried, fixed), "fixed");
  assert.equal(stateOf(fixed, seenAt(60)), "regressed");
  assert.equal(stateOf(fixed, seenAt(40), seenAt(60)), "open", "another process had seen it all the time");
  assert.equal(mergeFamilies([carried, seenAt(60)]).severity, "extra", "rules may have changed since");
});

test("of what several have kept every sample has the same chance, however many each was offered", () => {
  const rounds = 1_500;
  const offered = [10, 50, 200];
  const kept = [0, 0, 0];
  const random = seeded(9);
  for (let round = 0; round < rounds; round++) {
    const reservoirs = offered.map((count, process) => {
      const reservoir = new Reservoir<number>(random);
      for (let at = 0; at < count; at++) {
        const group = `${round}/${process}/${at}`;
        const place = reservoir.placeFor(group);
        if (place !== null) reservoir.put(place, { group, value: at });
      }
      const samples = reservoir.samples.map(({ group }, place) => ({ process: String(process), place, group }));
      return { offered: count, samples };
    });
    const merged = mergeSamples(reservoirs);
    assert.equal(merged.length, 12);
    assert.deepEqual(mergeSamples(reservoirs.toReversed()), merged);
    for (const { process } of merged) kept[Number(process)] = (kept[Number(process)] ?? 0) + 1;
  }
  for (const [at, count] of offered.entries()) {
    const expected = (rounds * 12 * count) / 260;
    assert.ok(Math.abs((kept[at] ?? 0) - expected) < 0.1 * expected, `${kept[at]} for ${expected}`);
  }
});

test("of what several have kept no group has more than two", () => {
  const samples = (process: string) => [0, 1].map((place) => ({ process, place, group: "loud" }));
  const merged = mergeSamples(["a", "b", "c"].map((process) => ({ offered: 2, samples: samples(process) })));
  assert.equal(merged.length, 2);
});

test("five thousand families, each with ten thousand groups and names as long as may be, stay below 64 MiB", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = (): number => {
    collect();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + Math.max(external, arrayBuffers);
  };
  const before = used();
  let dropped = 0;
  const families = new Families<string>({ random: seeded(1), onDrop: () => (dropped += 1) });
  const long = `$.\u4e00${"k".repeat(1_600)}`;
  const see = (at: number, group: number): void => {
    const route = `GET /${at % 250}`;
    const template = long + String(at);
    const difference = {
      template,
      path: "",
      kind: "value",
      severity: "value",
      control: "text",
      candidate: null,
    } as const;
    const seen = { route, difference, acceptedBy: null, group: `group-${group}`, build: "b", atMs: 1 };
    const [family] = families.see(route, [seen], "b", seen.atMs);
    family?.offerSample(`group-${group}`, () => "x".repeat(10_000));
  };
  for (let at = 0; at < 5_300; at++) for (let group = 0; group <= EXACT_MAX; group++) see(at, group * 6_000 + at);
  const many = used() - before;
  assert.ok(dropped > 0);
  assert.ok([...families.all].length >= 4_900);
  assert.ok(many < 64 * 1024 ** 2, `${Math.round(many / 1024 ** 2)} MiB`);
  for (let group = 0; group < 10_000; group++) see(0, group);
  const [first] = families.all;
  assert.equal(first?.row.memory?.groups.length, 345, "no further group takes room");
});
