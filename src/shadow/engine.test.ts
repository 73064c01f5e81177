import assert from "node:assert/strict";
import { test } from "node:test";
import { NORMALISERS } from "./compare/normalisers.ts";
import { Engine } from "./engine.ts";
import type { ExchangeFacts, ObservedPair } from "./judgement.ts";
import { Families } from "./evidence/families.ts";
import { MinuteCounters } from "./evidence/minuteCounters.ts";
import { IdentityMap, type IdentityMode } from "./identity/identityMap.ts";
import { NoiseModel } from "./noise/noiseModel.ts";
import type { Observation } from "./observation.ts";
import { RuleBook } from "./rules/ruleBook.ts";
import { seeded } from "./testing/seeded.ts";
import type { Severity } from "./words.ts";

const ROUTE = { id: "GET /a", methods: ["GET"], paths: ["/a"] };
const WRITE = { id: "POST /a", methods: ["POST"], paths: ["/a"] };

function open(mode: IdentityMode = "declared") {
  const counters = new MinuteCounters("1", () => {});
  const families = new Families<string>({ random: seeded(3), onDrop: () => {} });
  const map = new IdentityMap({ now: () => 0 });
  const engine = new Engine<string>({
    rules: new RuleBook([], { normalisers: NORMALISERS, statusClass: String }, () => 0),
    conditions: {},
    identity: { map, mode },
    families,
    counters,
    noise: new NoiseModel(),
    sampleOf: ({ differences }) => differences.map(({ path }) => path).join(),
  });
  return { engine, counters, families, map };
}

const reply = (body: unknown, status = 200): Observation["result"] => ({
  reply: { status, headers: ["content-type", "application/json"], body: Buffer.from(JSON.stringify(body)) },
});

const observed = (arm: "control" | "candidate", result: Observation["result"]): Observation => ({
  arm,
  role: arm === "control" ? "served" : "shadow",
  result,
  isCut: false,
  firstByteMs: 5,
  totalMs: 9,
});

const pair = (control: unknown, candidate: unknown, status = 200): ObservedPair => ({
  control: observed("control", reply(control, status)),
  candidate: observed("candidate", candidate === null ? { error: "timeout" } : reply(candidate, status)),
});

const facts = (group: string, more: Partial<ExchangeFacts> = {}): ExchangeFacts => ({
  route: ROUTE,
  group,
  groupPrint: `print of ${group}`,
  build: "2.0",
  shadow: "candidate",
  changesState: false,
  delayMs: 0,
  atMs: 1_000,
  ...more,
});

const CHANGE = { route: WRITE, changesState: true };

test("shadow J4: behind a mismatch that changed state the group is diverged, others go on", () => {
  const { engine } = open();
  const verdictOf = (group: string, given: ObservedPair, more: Partial<ExchangeFacts> = {}): string => {
    const { verdict } = engine.judge(facts(group, more), given);
    return verdict.name === "not_compared" ? verdict.reason : verdict.name;
  };
  const [same, other] = [pair({ a: 1, b: 1 }, { a: 1, b: 1 }), pair({ a: 1, b: 1 }, { a: 2, b: 1 })];
  assert.equal(verdictOf("ann", other), "different");
  assert.equal(verdictOf("ann", same), "identical");
  assert.equal(verdictOf("ann", other, CHANGE), "different");
  assert.equal(verdictOf("ann", same), "diverged");
  assert.equal(verdictOf("bob", same), "identical");
  assert.equal(verdictOf("bob", pair({}, null)), "shadow_failed");
  assert.equal(verdictOf("bob", same), "identical");
  assert.equal(verdictOf("bob", pair({}, null), CHANGE), "shadow_failed");
  assert.equal(verdictOf("bob", same), "diverged");
  assert.equal(engine.divergedGroups, 2);
  engine.forget("ann");
  assert.equal(verdictOf("ann", same), "identical");
});

test("shadow A1: every exchange is counted once, with its verdict or reason, and how long both arms took", () => {
  const { engine, counters } = open();
  engine.judge(facts("ann"), pair({ a: 1 }, { a: 1 }));
  engine.judge(facts("ann"), pair({ a: 1 }, null));
  engine.skip(facts("ann"), "queue_full");
  engine.judge(facts("ann", CHANGE), pair({ a: 1 }, { a: 2 }));
  engine.judge(facts("ann"), pair({ a: 1 }, { a: 1 }));
  const rows = counters.rows();
  assert.deepEqual(
    rows.map(({ route, sampled, verdicts, notCompared }) => [route, sampled, verdicts, notCompared]),
    [
      ["GET /a", 4, { identical: 1, shadow_failed: 1 }, { queue_full: 1, diverged: 1 }],
      ["POST /a", 1, { different: 1 }, {}],
    ],
  );
  const counted = (counts: Readonly<Record<string, number>> | undefined): number =>
    Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0);
  assert.deepEqual([counted(rows[0]?.latency.control), counted(rows[0]?.latency.candidate)], [2, 1]);
});

test("families are made of what differs, a few pairs of each are kept, and breaking ones count at once", () => {
  const { engine, families } = open();
  const judged = Array.from({ length: 40 }, (_, at) => {
    const candidate = at % 2 === 0 ? { a: 2, b: 1, c: 1 } : { b: 1, c: 1 };
    return engine.judge(facts(`user-${at}`), pair({ a: 1, b: 1, c: 1 }, candidate));
  });
  const [value, missing] = [...families.all];
  assert.deepEqual([value?.key.kind, value?.differing, value?.confirmedBy], ["value", 20, null]);
  assert.deepEqual([missing?.key.kind, missing?.differing, missing?.confirmedBy], ["missing", 20, "breaking"]);
  assert.deepEqual([judged[0]?.confirmed, judged[1]?.confirmed], [null, "breaking"]);
  assert.equal(value?.samples.samples.length, 12);
  assert.deepEqual(judged[0]?.samples, [{ family: value?.name, place: 0, value: "$.a" }]);
});

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

test("shadow M1, M4: ids are learnt from good replies; one that names two things differs, and the group is diverged", () => {
  const { engine, map } = open("learnt");
  const name = (given: ObservedPair): string => engine.judge(facts("ann"), given).verdict.name;
  const named = (id: string): object => ({ id, n: 1 });
  assert.equal(name(pair(named(uuid(1)), named(uuid(2)), 404)), "different");
  assert.equal(name(pair(named(uuid(1)), named(uuid(2)))), "equivalent");
  assert.equal(map.idOn("candidate", "ann", uuid(1)), uuid(2));
  assert.equal(name(pair(named(uuid(1)), named(uuid(3)))), "different");
  assert.ok(engine.isDiverged("ann"));
});

test("times may differ by how late the group's copies ever were", () => {
  const rules = [{ id: "r", owner: "t", reason: "t", on: ["*"], path: "$.at", compare: ["time(delay+0s)"] }];
  const engine = new Engine<string>({
    rules: new RuleBook(rules, { normalisers: NORMALISERS, statusClass: String }, () => 0),
    conditions: {},
    identity: { map: new IdentityMap({ now: () => 0 }), mode: "declared" },
    families: new Families<string>({ random: seeded(3), onDrop: () => {} }),
    counters: new MinuteCounters("1", () => {}),
    noise: new NoiseModel(),
    sampleOf: () => "",
  });
  const at = (ms: number): object => ({ at: new Date(ms).toISOString() });
  const name = (delayMs: number, late: number): string =>
    engine.judge(facts("ann", { delayMs }), pair(at(0), at(late))).verdict.name;
  assert.equal(name(500, 500), "equivalent");
  assert.equal(name(0, 500), "equivalent");
  assert.equal(name(0, 501), "different");
});

test("shadow §8: what control changes between two same calls is noise, and makes no family; a broken format still does", () => {
  const { engine, families } = open();
  const body = (id: string): object => ({ id, n: 1 });
  for (let at = 0; at < 25; at++) {
    const [control, repeat] = [1, 2].map(() => observed("control", reply(body(crypto.randomUUID()))));
    assert.ok(control !== undefined && repeat !== undefined);
    const candidate = observed("candidate", reply(body(crypto.randomUUID())));
    assert.equal(engine.learnRepeat(facts("ann"), { control, candidate }, repeat), "different");
  }
  const { verdict } = engine.judge(facts("ann"), pair(body(uuid(1)), body(uuid(2))));
  assert.equal(verdict.name, "noise");
  assert.deepEqual([...families.all], []);
  const broken = engine.judge(facts("ann"), pair(body(uuid(1)), body("undefined")));
  assert.deepEqual([broken.verdict.name, broken.confirmed], ["different", "breaking"]);
});

const READ = { mayRecheck: true };
const at = (more: object): object => ({ n: 1, kept: 1, ...more });

/** Judged, and made again as often as it is asked for. */
function judgeTwice(engine: Engine<string>, group: string, first: ObservedPair, again: ObservedPair) {
  const { recheck, verdict } = engine.judge(facts(group, READ), first);
  return recheck === null ? { verdict } : engine.settle(recheck, recheck.isTwice ? [again, again] : [again]);
}

test("shadow §8, layer 3: what is gone when a safe call is made again is transient, and counted once", () => {
  const { engine, counters, families } = open();
  const [same, other] = [pair(at({}), at({})), pair(at({}), at({ n: 2 }))];
  const judged = engine.judge(facts("ann", READ), other);
  assert.deepEqual([judged.recheck?.paths, judged.recheck?.isTwice], [["$.n"], false]);
  assert.deepEqual(counters.rows(), []);
  assert.ok(judged.recheck !== null);
  assert.equal(engine.settle(judged.recheck, [same]).verdict.name, "transient");
  assert.throws(() => judged.recheck !== null && engine.settle(judged.recheck, [same]), /once/);
  assert.deepEqual([...families.all], []);
  assert.equal(judgeTwice(engine, "ann", other, other).verdict.name, "different");
  const unmade = engine.judge(facts("ann", READ), other).recheck;
  assert.ok(unmade !== null);
  assert.equal(engine.settle(unmade, []).verdict.name, "different");
  assert.equal(engine.judge(facts("ann", READ), same).recheck, null);
  assert.equal(engine.judge(facts("ann"), other).recheck, null, "its route does not let it be made again");
  const [row] = counters.rows();
  assert.deepEqual(row?.verdicts, { transient: 1, different: 3, identical: 1 });
});

test("of several differences those that are gone are left out, whatever control changes by itself beside them", () => {
  const { engine, families } = open();
  const id = (): string => crypto.randomUUID();
  const first = pair(at({ id: id(), a: 1, b: 1 }), at({ id: id(), a: 2, b: 2 }));
  const again = pair(at({ id: id(), a: 1, b: 1 }), at({ id: id(), a: 2, b: 1 }));
  const { verdict } = judgeTwice(engine, "ann", first, again);
  assert.ok(verdict.name === "different");
  assert.deepEqual(
    verdict.differences.map(({ path }) => path),
    ["$.id", "$.a"],
  );
  assert.deepEqual(
    [...families.all].map(({ key }) => key.template),
    ["$.id", "$.a"],
  );
});

test("shadow §8: three re-checks of two groups confirm a family, one call again is too little where few values are to be had", () => {
  const { engine, families } = open();
  const other = pair(at({}), at({ n: 2 }));
  for (const group of ["ann", "bob", "ann"]) judgeTwice(engine, group, other, other);
  assert.deepEqual(
    [...families.all].map(({ confirmedBy }) => confirmedBy),
    ["re-checks"],
  );
  const flag = pair(at({ is: true }), at({ is: false }));
  for (const group of ["ann", "bob", "ann"]) {
    const { recheck } = engine.judge(facts(group, READ), flag);
    assert.ok(recheck?.isTwice === true);
    engine.settle(recheck, [flag]);
  }
  const confirmed = (): (string | null)[] => [...families.all].map(({ confirmedBy }) => confirmedBy);
  assert.deepEqual(confirmed(), ["re-checks", null]);
  for (const group of ["ann", "bob", "ann"]) judgeTwice(engine, group, flag, flag);
  assert.deepEqual(confirmed(), ["re-checks", "re-checks"]);
});

test("ADR 17: no re-check confirms a family on a path on which control has ever differed from itself", () => {
  const { engine, families } = open();
  const other = pair(at({}), at({ n: 2 }));
  const confirmed = (): (string | null)[] => [...families.all].map(({ confirmedBy }) => confirmedBy);
  const restless = (): string =>
    engine.learnRepeat(facts("cid"), pair(at({}), at({})), observed("control", reply(at({ n: 3 }))));
  for (const group of ["ann", "bob", "ann"]) judgeTwice(engine, group, other, other);
  assert.deepEqual(confirmed(), ["re-checks"]);
  assert.equal(restless(), "different");
  assert.deepEqual(confirmed(), [null], "not even one that was confirmed before");
  const late = open();
  late.engine.learnRepeat(facts("cid"), pair(at({}), at({})), observed("control", reply(at({ n: 3 }))));
  for (const group of ["ann", "bob", "ann"]) judgeTwice(late.engine, group, other, other);
  assert.deepEqual(
    [...late.families.all].map(({ confirmedBy }) => confirmedBy),
    [null],
  );
});

test("shadow §8, layer 4: where exchanges with a repeat show the candidate alone to differ, the family is confirmed when the window ends", () => {
  const { engine, families } = open();
  const judged = (atMs: number, candidate: object): Severity | null => {
    const given = pair(at({ id: crypto.randomUUID() }), candidate);
    const repeat = observed("control", reply(at({ id: crypto.randomUUID() })));
    engine.learnRepeat(facts("ann", { atMs }), given, repeat);
    return engine.judge(facts("ann", { atMs }), given).confirmed;
  };
  for (let call = 0; call < 60; call++) {
    assert.equal(judged(1_000, at({ id: crypto.randomUUID(), n: call % 2 })), null);
  }
  assert.equal(judged(61_000, at({ id: crypto.randomUUID(), n: 0 })), "value");
  assert.deepEqual(
    [...families.all].flatMap(({ key, confirmedBy }) => (confirmedBy === null ? [] : [key.template])),
    ["$.n"],
  );
});

test("a repeat that tells nothing teaches nothing: one that failed, or one with a write of its group beside it", () => {
  const { engine } = open();
  const given = pair(at({}), at({}));
  const learn = (group: string, result: Observation["result"]): string =>
    engine.learnRepeat(facts(group, { atMs: 10_000 }), given, observed("control", result));
  assert.equal(learn("ann", { error: "timeout" }), "not_compared");
  assert.equal(learn("ann", reply(at({}))), "equal");
  engine.noteWrite("ann", 10_100);
  assert.equal(learn("ann", reply(at({ n: 2 }))), "not_compared");
  engine.noteWrite("bob", 7_900);
  assert.equal(learn("bob", reply(at({ n: 2 }))), "different");
});

test("shadow §8, race rule: a read within two seconds of a write of its group has no verdict without a re-check", () => {
  const { engine } = open();
  const other = pair(at({}), at({ n: 2 }));
  const read = (group: string, atMs: number) => engine.judge(facts(group, { ...READ, atMs }), other).recheck;
  engine.noteWrite("ann", 5_000);
  engine.judge(facts("bob", { ...CHANGE, atMs: 5_000 }), pair({ a: 1 }, { a: 1 }));
  const settled = (group: string, atMs: number, ...again: ObservedPair[]): string => {
    const recheck = read(group, atMs);
    assert.ok(recheck !== null);
    assert.equal(recheck.isRace, atMs <= 7_000);
    const { verdict } = engine.settle(recheck, again);
    return verdict.name === "not_compared" ? verdict.reason : verdict.name;
  };
  assert.equal(settled("ann", 6_900), "budget");
  assert.equal(settled("bob", 7_000), "budget");
  assert.equal(settled("ann", 6_900, other), "different");
  assert.equal(settled("ann", 6_900, pair(at({}), at({}))), "transient");
  assert.equal(settled("ann", 7_001), "different");
  assert.equal(engine.judge(facts("ann", { ...READ, atMs: 6_000 }), pair(at({}), at({}))).verdict.name, "identical");
});

test("a re-check with a write of its group before it is none", () => {
  const { engine } = open();
  const other = pair(at({}), at({ n: 2 }));
  const { recheck } = engine.judge(facts("ann", READ), other);
  engine.noteWrite("ann", 1_100);
  assert.ok(recheck !== null);
  assert.equal(engine.settle(recheck, [pair(at({ n: 2 }), at({ n: 2 }))]).verdict.name, "different");
});

test("shadow §17: one in a thousand on a quiet path is found by the re-checks of 20,000 exchanges", () => {
  const random = seeded(13);
  const other = pair(at({}), at({ n: 2 }));
  const windows = 100;
  let found = 0;
  for (let window = 0; window < windows; window++) {
    const { engine, families } = open();
    for (let call = 0; call < 20_000; call++) {
      // The others are equal and say nothing of a family.
      if (random() < 0.001) judgeTwice(engine, `user-${call % 50}`, other, other);
    }
    found += Number([...families.all].some(({ confirmedBy }) => confirmedBy === "re-checks"));
  }
  assert.ok(found >= 0.99 * windows, `${found} of ${windows}`);
});

test("shadow M4: a learnt pair is firm when a call that carried it got the same class of status, until then differences are marked", () => {
  const { engine, map } = open("learnt");
  const id = (n: number): object => ({ id: uuid(n), n: 1 });
  engine.judge(facts("ann"), pair(id(1), id(2)));
  assert.ok(map.isTentative("ann", uuid(1), "control"));
  const judged = (candidate: ObservedPair["candidate"]): (true | undefined)[] => {
    const given = { control: observed("control", reply({ a: 1, b: 1 })), candidate };
    const { verdict } = engine.judge(facts("ann", { rewritten: [uuid(1)] }), given);
    return "differences" in verdict ? verdict.differences.map(({ isTentative }) => isTentative) : [];
  };
  assert.deepEqual(judged(observed("candidate", reply({}, 404))), [true]);
  assert.ok(map.isTentative("ann", uuid(1), "control"));
  assert.deepEqual(judged(observed("candidate", reply({ a: 2, b: 1 }))), [undefined]);
  assert.ok(!map.isTentative("ann", uuid(1), "control"));
  assert.deepEqual(judged(observed("candidate", reply({}, 404))), [undefined]);
});

test("shadow M4: an answer of the very same bytes differs where the candidate is known to call the thing otherwise", () => {
  const { engine, map } = open("learnt");
  const echo = pair({ id: uuid(1), n: 1 }, { id: uuid(1), n: 1 });
  assert.equal(engine.judge(facts("ann"), echo).verdict.name, "identical");
  map.learn("ann", uuid(1), uuid(2), "learnt");
  assert.equal(engine.judge(facts("ann"), pair({ n: 1 }, { n: 1 })).verdict.name, "identical");
  assert.equal(engine.judge(facts("ann"), echo).verdict.name, "different");
  assert.ok(engine.isDiverged("ann"));
});

test("shadow M4: one id for two things is no matter of a second look", () => {
  const { engine, map } = open("learnt");
  map.learn("ann", uuid(1), uuid(2), "learnt");
  engine.noteWrite("ann", 1_000);
  const { verdict, recheck } = engine.judge(facts("ann", READ), pair({ id: uuid(1), n: 1 }, { id: uuid(3), n: 1 }));
  assert.deepEqual([verdict.name, recheck, engine.isDiverged("ann")], ["different", null, true]);
});

test("a list in another order neither teaches wrong pairs nor sets its group apart", () => {
  const { engine, map } = open("learnt");
  const rows = (...numbers: number[]): object => ({ list: numbers.map((n) => ({ id: uuid(n), name: `${n % 10}` })) });
  const name = (given: ObservedPair): string => engine.judge(facts("ann"), given).verdict.name;
  assert.equal(name(pair(rows(1, 2, 3), rows(13, 11, 12))), "different");
  assert.deepEqual(
    [1, 2, 3].map((n) => map.idOn("candidate", "ann", uuid(n))),
    [uuid(11), uuid(12), uuid(13)],
  );
  assert.equal(name(pair(rows(1, 2, 3), rows(11, 12, 13))), "equivalent");
  assert.ok(!engine.isDiverged("ann"));
});
