import assert from "node:assert/strict";
import { test } from "node:test";
import type { Difference } from "../words.ts";
import { seeded } from "../testing/seeded.ts";
import { RESUMED } from "./testing/rows.ts";
import { Families, type Family, type FamilySeen } from "./families.ts";
import { Reservoir } from "./reservoir.ts";

test("every sample has the same chance to be kept, and no group more than two", () => {
  const random = seeded(4);
  const kept = new Map<number, number>();
  const rounds = 3_000;
  for (let round = 0; round < rounds; round++) {
    const reservoir = new Reservoir<number>(random);
    for (let at = 0; at < 60; at++) {
      const place = reservoir.placeFor(`user-${at}`);
      if (place !== null) reservoir.put(place, { group: `user-${at}`, value: at });
    }
    assert.equal(reservoir.samples.length, 12);
    for (const { value } of reservoir.samples) kept.set(value, (kept.get(value) ?? 0) + 1);
  }
  const expected = (rounds * 12) / 60;
  for (let at = 0; at < 60; at++)
    assert.ok(Math.abs((kept.get(at) ?? 0) - expected) < 0.2 * expected, `${at}: ${kept.get(at)}`);
  const loud = new Reservoir<number>(random);
  for (let at = 0; at < 1_000; at++) {
    const group = at % 10 === 0 ? `user-${at}` : "loud";
    const place = loud.placeFor(group);
    if (place !== null) loud.put(place, { group, value: at });
  }
  assert.equal(loud.samples.filter(({ group }) => group === "loud").length, 2);
  assert.equal(loud.samples.length, 12);
  assert.equal(loud.removeGroup("loud"), 2);
  assert.equal(loud.samples.length, 10);
  for (const at of [0, 1]) loud.put(loud.placeFor(`late-${at}`) ?? -1, { group: `late-${at}`, value: at });
  assert.equal(loud.samples.length, 12, "what was removed leaves its place, the others keep theirs");
});

const ROUTE = "GET /a";
const DIFFERENCE: Difference = {
  template: "$.a[*].b",
  path: "$.a[0].b",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "text",
};

function book(familiesMax?: number) {
  let dropped = 0;
  const options = {
    random: seeded(1),
    onDrop: () => (dropped += 1),
    ...(familiesMax !== undefined && { familiesMax }),
  };
  const families = new Families<string>(options);
  const see = (more: Partial<FamilySeen> = {}, build = "b1"): Family<string> | null => {
    const seen = { route: ROUTE, difference: DIFFERENCE, acceptedBy: null, group: "g1", build, atMs: 5, ...more };
    return families.see(ROUTE, [seen], build, seen.atMs)[0] ?? null;
  };
  return { families, see, dropped: () => dropped, clean: (build: string) => families.see(ROUTE, [], build, 6) };
}

test("one family for each route, template, kind and classes", () => {
  const { families, see } = book();
  const first = see();
  assert.equal(see({ difference: { ...DIFFERENCE, path: "$.a[7].b" }, group: "g2", atMs: 9 }), first);
  assert.deepEqual([first?.differing, first?.groups, first?.firstSeenMs, first?.lastSeenMs], [2, 2, 5, 9]);
  assert.notEqual(see({ difference: { ...DIFFERENCE, candidate: "null" } }), first);
  assert.notEqual(see({ route: "GET /b" }), first);
  assert.equal([...families.all].length, 3);
});

test("open, fixed by a newer build and a thousand comparisons, regressed when it comes again", () => {
  const { see, clean } = book();
  const family = see();
  for (let at = 0; at < 5_000; at++) clean("b1");
  assert.equal(family?.state, "open");
  for (let at = 0; at < 999; at++) clean("b2");
  assert.equal(family?.state, "open");
  clean("b2");
  assert.equal(family?.state, "fixed");
  see({}, "b3");
  assert.equal(family?.state, "regressed");
});

test("accepted as long as its rule holds, then open again", () => {
  const { see } = book();
  const family = see({ acceptedBy: "rule-1" });
  assert.deepEqual([family?.state, family?.confirmedBy], ["accepted", null]);
  see();
  assert.equal(family?.state, "open");
});

test("breaking ones count at once, others when re-checks or the test of families have ruled out noise", () => {
  const { see } = book();
  const real = { isArmsApart: true, isControlStable: true, isCandidateStable: true };
  const family = see();
  assert.equal(family?.confirmedBy, null);
  for (const group of ["g1", "g2", "g1"]) family?.recheck(real, group);
  assert.equal(family?.confirmedBy, "re-checks");
  const other = see({ difference: { ...DIFFERENCE, template: "$.c" } });
  other?.confirmByTest();
  assert.equal(other?.confirmedBy, "family-test");
  assert.equal(see({ difference: { ...DIFFERENCE, kind: "missing", severity: "breaking" } })?.confirmedBy, "breaking");
});

test("more families than can be looked at are counted, and those known go on", () => {
  const { see, dropped } = book(2);
  const [first] = ["a", "b"].map((name) => see({ difference: { ...DIFFERENCE, template: `$.${name}` } }));
  assert.equal(see({ difference: { ...DIFFERENCE, template: "$.c" } }), null);
  assert.equal(dropped(), 1);
  assert.equal(see({ difference: { ...DIFFERENCE, template: "$.a" } }), first);
});

test("a sample is made only when it is kept", () => {
  const { see } = book();
  let made = 0;
  for (let at = 0; at < 500; at++) see({ group: `g${at}` })?.offerSample(`g${at}`, () => `sample ${++made}`);
  assert.ok(made < 80, `${made} of 500`);
});

const REAL = { isArmsApart: true, isControlStable: true, isCandidateStable: true };
const again = ({ families }: { families: Families<string> }, seats: readonly string[] = []) => {
  const rows = families.unsaved().rows;
  const groups = seats.map((group) => ({ group }));
  return { rows, seats: new Map(rows.map(({ name }) => [name, groups])) };
};

test("after a restart a family is what it was, and its row says only what came since", () => {
  const old = book();
  const family = old.see();
  for (let at = 0; at < 50; at++) old.see({ group: `g${at}`, atMs: 7 })?.offerSample(`g${at}`, () => "");
  for (const group of ["g1", "g2"]) family?.recheck(REAL, group);
  const { rows, seats } = again(old, ["g1", "g2"]);
  const next = book();
  next.families.restore({ ...RESUMED, families: rows, seats });
  assert.deepEqual(next.families.unsaved().rows, [], "nothing of its own");
  const [restored] = next.families.all;
  assert.deepEqual(
    [
      restored?.state,
      restored?.firstSeenMs,
      restored?.confirmedBy,
      restored?.samples.seen,
      restored?.samples.samples.length,
    ],
    ["open", 5, null, 50, 2],
  );
  restored?.recheck(REAL, "g3");
  assert.equal(restored?.confirmedBy, "re-checks", "two of before and one");
  next.see({ group: "new", atMs: 9 })?.offerSample("new", () => "");
  const [row] = next.families.unsaved().rows;
  assert.deepEqual([row?.differing, row?.groups, row?.memory?.offered, row?.memory?.rechecks.agreed], [1, 1, 1, 1]);
  assert.deepEqual([row?.firstSeenMs, row?.lastSeenMs], [5, 9]);
});

test("what the store knew may come when the family was seen already", () => {
  const old = book();
  old.see({ difference: { ...DIFFERENCE, severity: "breaking" } });
  for (let at = 0; at < 1_000; at++) old.clean("b2");
  const { rows, seats } = again(old);
  assert.equal(rows[0]?.state, "fixed");
  const next = book();
  const family = next.see({ atMs: 9 }, "b3");
  next.families.restore({ ...RESUMED, families: rows, seats });
  assert.deepEqual([family?.state, family?.severity, family?.firstSeenMs], ["regressed", "breaking", 5]);
  assert.equal(next.families.unsaved().rows[0]?.differing, 1);
});

test("a row is to be saved whenever it says something new, and not again when it was", () => {
  const { families, see, clean } = book();
  const family = see();
  const isUnsaved = (): boolean => {
    const { rows, saved } = families.unsaved();
    saved();
    return rows.length > 0;
  };
  assert.deepEqual([isUnsaved(), isUnsaved()], [true, false]);
  const changes: (() => unknown)[] = [
    () => see({ acceptedBy: "rule-1" }),
    () => see(),
    () => family?.recheck(REAL, "g1"),
    () => family?.recheck({ ...REAL, isControlStable: false }, "g1"),
    () => family?.confirmByTest(),
    () => Array.from({ length: 1_000 }, () => clean("b2")),
  ];
  for (const [at, change] of changes.entries()) {
    change();
    assert.deepEqual([isUnsaved(), isUnsaved()], [true, false], String(at));
  }
  family?.confirmByTest();
  clean("b2");
  assert.equal(isUnsaved(), false);
  const { saved } = families.unsaved();
  see();
  saved();
  assert.equal(isUnsaved(), true, "it came between asking and saving");
});

test("names that are too long together are counted and not kept", () => {
  let dropped = 0;
  const families = new Families<string>({ random: seeded(1), nameCharsMax: 200, onDrop: () => (dropped += 1) });
  for (let at = 0; at < 9; at++) {
    const difference = { ...DIFFERENCE, template: `$.${at}${"k".repeat(20)}` };
    families.see(ROUTE, [{ route: ROUTE, difference, acceptedBy: null, group: "g", build: "b", atMs: 1 }], "b", 1);
  }
  const kept = [...families.all].length;
  assert.ok(kept > 0 && kept < 9);
  assert.equal(kept + dropped, 9);
});

test("shadow §4: what the build before has shown is fixed after a thousand comparisons without it, and regressed when it is seen again", () => {
  const before = book();
  before.see({ atMs: 3, build: "b1" });
  const [stored] = before.families.unsaved().rows;
  assert.ok(stored);
  const next = book();
  next.families.restore({ ...RESUMED, carried: { families: [stored], leftOut: 0 } });
  const [family] = next.families.all;
  const told = () => [family?.state, family?.isCarried, family?.differing, family?.confirmedBy, family?.fixed];
  assert.deepEqual(told(), ["open", true, 0, null, null]);
  assert.equal(next.families.unsaved().rows.length, 1, "the store has to know it too");
  for (let at = 0; at < 999; at++) next.clean("b2");
  assert.deepEqual(told(), ["open", true, 0, null, null]);
  next.clean("b2");
  assert.deepEqual(told(), ["fixed", true, 0, null, { atMs: 6, build: "b2" }]);
  assert.deepEqual([family?.row.firstSeenMs, family?.row.firstBuild], [3, "b1"]);
  next.see({ atMs: 9, build: "b2" }, "b2");
  assert.deepEqual([family?.state, family?.isCarried, family?.differing], ["regressed", false, 1]);
  // Another build: it was fixed once, so whoever shows it again has brought it back.
  const third = book();
  third.families.restore({ ...RESUMED, carried: { families: next.families.unsaved().rows, leftOut: 2 } });
  assert.equal(third.dropped(), 2);
  const [again] = third.families.all;
  assert.deepEqual([again?.state, again?.isCarried], ["regressed", true]);
  third.see({ atMs: 20, build: "b3" }, "b3");
  assert.equal(again?.state, "regressed");
});

test("a run that goes on counts the comparisons of those before it, and one rule set is no newer build", () => {
  const before = book();
  before.see({ build: "b1" });
  const [stored] = before.families.unsaved().rows;
  assert.ok(stored);
  const carried = { families: [stored], leftOut: 0 };
  const one = book();
  one.families.restore({ ...RESUMED, carried });
  for (let at = 0; at < 600; at++) one.clean("b2");
  const { rows } = one.families.unsaved();
  const other = book();
  other.families.restore({ ...RESUMED, families: rows, compared: new Map([[ROUTE, 600]]) });
  for (let at = 0; at < 399; at++) other.clean("b2");
  assert.equal([...other.families.all][0]?.state, "open");
  other.clean("b2");
  assert.equal([...other.families.all][0]?.state, "fixed");
  const sameBuild = book();
  sameBuild.families.restore({ ...RESUMED, carried });
  for (let at = 0; at < 2_000; at++) sameBuild.clean("b1");
  assert.equal([...sameBuild.families.all][0]?.state, "open");
});

test("what is seen before it is known to have been fixed is regressed too; how bad it was before says nothing", () => {
  const before = book();
  before.see({ build: "b1", difference: { ...DIFFERENCE, severity: "breaking" } });
  const [stored] = before.families.unsaved().rows;
  assert.ok(stored);
  const fixed = { ...stored, state: "fixed" as const, fixed: { atMs: 4, build: "b2" } };
  const late = book();
  late.see({ atMs: 9, build: "b3" }, "b3");
  late.families.restore({ ...RESUMED, carried: { families: [fixed], leftOut: 0 } });
  const [family] = late.families.all;
  assert.deepEqual([family?.state, family?.severity, family?.firstSeenMs], ["regressed", "value", 5]);
  const early = book();
  early.families.restore({ ...RESUMED, carried: { families: [fixed], leftOut: 0 } });
  early.see({ atMs: 9, build: "b3" }, "b3");
  assert.equal([...early.families.all][0]?.severity, "value");
});
