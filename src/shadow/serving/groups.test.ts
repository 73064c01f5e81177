import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualClock } from "../../kernel/index.ts";
import { type GroupWish, Groups } from "./groups.ts";

function open() {
  const clock = createManualClock();
  const seeds: GroupWish[] = [];
  const checks: GroupWish[] = [];
  const busy = new Set<string>();
  const groups = new Groups({
    clock,
    isBusy: (_, group) => busy.has(group),
    seed: (wish) => seeds.push(wish),
    check: (wish) => checks.push(wish),
  });
  const pass = (ms: number): void => {
    clock.advance(ms);
    groups.tick();
  };
  const last = (): GroupWish => seeds.at(-1) as GroupWish;
  return { groups, seeds, checks, busy, pass, last };
}

test("shadow J1: a group is seeded once nothing of it was in flight for a second", () => {
  const { groups, seeds, pass, last } = open();
  const end = groups.begin("u", "ann", "control", true);
  pass(5_000);
  assert.equal(seeds.length, 0, "in flight");
  end();
  pass(999);
  assert.equal(seeds.length, 0, "not yet at rest");
  pass(1);
  assert.deepEqual(last(), { unit: "u", group: "ann", served: "control", version: 2 });
  assert.equal(groups.standing("u", "ann"), "waiting");
  groups.seeded(last());
  assert.equal(groups.standing("u", "ann"), "seeded");
  pass(60_000);
  assert.equal(seeds.length, 1);
});

test("shadow J1: what came while it was copied makes the copy worthless", () => {
  const { groups, seeds, pass, last } = open();
  groups.begin("u", "ann", "control", false)();
  pass(1_000);
  groups.begin("u", "ann", "control", true)();
  groups.seeded(last());
  assert.equal(groups.standing("u", "ann"), "waiting");
  pass(1_000);
  assert.equal(seeds.length, 2);
});

test("shadow J1: an open socket that is not mirrored keeps its group out", () => {
  const { groups, seeds, pass } = open();
  const close = groups.beginUnseen("u", "ann", "control");
  pass(60_000);
  assert.equal(seeds.length, 0);
  close();
  pass(1_000);
  assert.equal(seeds.length, 1);
});

test("a seed that fails is tried again, not at once", () => {
  const { groups, seeds, pass, last } = open();
  groups.begin("u", "ann", "control", false)();
  pass(1_000);
  groups.seedFailed(last());
  pass(1_999);
  assert.equal(seeds.length, 1);
  pass(1);
  assert.equal(seeds.length, 2);
});

test("shadow J3: five seconds behind a write, at rest, its state is checked; a read asks for nothing", () => {
  const { groups, checks, pass, last } = open();
  groups.begin("u", "ann", "control", false)();
  pass(1_000);
  groups.seeded(last());
  groups.begin("u", "ann", "control", false)();
  pass(10_000);
  assert.equal(checks.length, 0);
  groups.begin("u", "ann", "control", true)();
  pass(4_000);
  groups.frame("u", "ann", "control", false);
  pass(4_999);
  assert.equal(checks.length, 0, "a frame came in between");
  pass(1);
  assert.equal(checks.length, 1);
  pass(60_000);
  assert.equal(checks.length, 1);
});

test("shadow J3: a check that was put off is made once its time has come, not at every look", () => {
  const { groups, checks, pass, last } = open();
  groups.begin("u", "ann", "control", false)();
  pass(1_000);
  groups.seeded(last());
  groups.begin("u", "ann", "control", true)();
  pass(5_000);
  assert.equal(checks.length, 1);
  groups.checkPutOff(checks[0] as GroupWish);
  for (let look = 0; look < 7; look++) pass(250);
  assert.equal(checks.length, 1);
  pass(250);
  assert.equal(checks.length, 2);
  pass(10_000);
  assert.equal(checks.length, 2, "it was not put off again");
});

test("shadow J5: a change of arm loses the seed; a new one follows at rest", () => {
  const { groups, pass, last } = open();
  groups.begin("u", "ann", "control", false)();
  pass(1_000);
  groups.seeded(last());
  groups.begin("u", "ann", "candidate", false)();
  assert.equal(groups.standing("u", "ann"), "lost");
  pass(1_000);
  assert.equal(last().served, "candidate");
  groups.seeded(last());
  assert.equal(groups.standing("u", "ann"), "seeded");
});

test("shadow J4: a diverged group is seeded again an hour after its last seed, not before", () => {
  const { groups, seeds, pass, last } = open();
  groups.begin("u", "ann", "control", false)();
  pass(1_000);
  groups.seeded(last());
  groups.diverged("u", "ann");
  assert.equal(groups.standing("u", "ann"), "diverged");
  for (let minute = 0; minute < 59; minute++) {
    groups.begin("u", "ann", "control", false)();
    pass(60_000);
  }
  assert.equal(seeds.length, 1);
  groups.begin("u", "ann", "control", false)();
  pass(60_000);
  assert.equal(seeds.length, 2);
});

test("shadow J5: a group that was idle for half an hour is forgotten", () => {
  const { groups, pass, last } = open();
  groups.begin("u", "ann", "control", false)();
  pass(1_000);
  groups.seeded(last());
  pass(30 * 60_000 + 1);
  assert.equal(groups.standing("u", "ann"), "waiting");
  assert.deepEqual(groups.counts(), []);
});

test("shadow J1: of every unit that seeds it is told how many groups wait; one that has lost its seed waits too", () => {
  const { groups, pass, last } = open();
  groups.begin("u", "ann", "control", false)();
  pass(1_000);
  groups.seeded(last());
  groups.begin("u", "bob", "control", false);
  groups.begin("other", "eve", "control", false);
  const counts = { waiting: 1, seeded: 1, diverged: 0 };
  assert.deepEqual(groups.countsOf(["u", "v", "u"]), { u: counts, v: { waiting: 0, seeded: 0, diverged: 0 } });
  groups.lose("u", "ann");
  assert.deepEqual(groups.countsOf(["u"]), { u: { waiting: 2, seeded: 0, diverged: 0 } });
});
