import assert from "node:assert/strict";
import { test } from "node:test";
import { NORMALISERS } from "./compare/normalisers.ts";
import { Engine, type ExchangeFacts, type ObservedPair } from "./engine.ts";
import { Families } from "./evidence/families.ts";
import { MinuteCounters } from "./evidence/minuteCounters.ts";
import { IdentityMap, type IdentityMode } from "./identity/identityMap.ts";
import { NoiseModel } from "./noise/noiseModel.ts";
import type { Observation } from "./observation.ts";
import { RuleBook } from "./rules/ruleBook.ts";
import { seeded } from "./testing/seeded.ts";

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
    sampleOf: (_, differences) => differences.map(({ path }) => path).join(),
  });
  return { engine, counters, families, map };
}

const reply = (body: unknown, status = 200): Observation["result"] => ({
  reply: { status, headers: [["content-type", "application/json"]], body: Buffer.from(JSON.stringify(body)) },
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
    engine.learnRepeat(facts("ann"), control as Observation, repeat as Observation);
  }
  const { verdict } = engine.judge(facts("ann"), pair(body(uuid(1)), body(uuid(2))));
  assert.equal(verdict.name, "noise");
  assert.deepEqual([...families.all], []);
  const broken = engine.judge(facts("ann"), pair(body(uuid(1)), body("undefined")));
  assert.deepEqual([broken.verdict.name, broken.confirmed], ["different", "breaking"]);
});
