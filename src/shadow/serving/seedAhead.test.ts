import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest, StateCarrier } from "../../continuity/ports.ts";
import { type Arm, createManualClock } from "../../kernel/index.ts";
import { isSampled } from "../sampling.ts";
import { Seeder } from "../threads/seeder.ts";
import { type GroupWish, Groups } from "./groups.ts";
import { type ListWish, SeedAhead } from "./seedAhead.ts";

const PAGE = 500;
const TICK_MS = 250;

interface World {
  readonly subjects?: readonly string[];
  readonly armOf?: (subject: string) => Arm | null;
  readonly copyMs?: number;
}

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, nr) => `s${String(nr).padStart(6, "0")}`);

/** The serving side with the compare thread's seeder behind it; carriers answer when they are let. */
function open({ subjects = [], armOf = () => "control", copyMs = 0 }: World = {}) {
  const clock = createManualClock();
  const lists: ListWish[] = [];
  const wishes: GroupWish[] = [];
  const seeds: { readonly group: string; readonly atMs: number }[] = [];
  const hooks = { isDown: false };
  const busy = new Set<string>();
  const digest: Digest = { cursor: 1, hash: "h", fullHash: "f", sections: new Map() };
  const carrier = {
    digest: async () => digest,
    clear: async () => {},
    async copy() {
      if (hooks.isDown) throw new Error("down");
      if (copyMs > 0) await new Promise<void>((resolve) => void clock.after(copyMs, resolve));
      return { applied: 0, skipped: 0, conflicts: [], refused: [], cursor: 1 };
    },
  } as Partial<StateCarrier> as StateCarrier;
  const seeder = new Seeder({
    leftOut: () => new Set<string>(),
    clock,
    carrierFor: () => carrier,
    isBusy: () => false,
    lastWriteMs: () => 0,
    onLater: () => {},
    onSeeded: (wish) => {
      seeds.push({ group: wish.group, atMs: clock.monotonic() });
      groups.seeded(wish);
    },
    onFailed: (wish) => groups.seedFailed(wish),
    onChecked: () => {},
  });
  const groups: Groups = new Groups({
    clock,
    isBusy: (_, group) => busy.has(group),
    seed: (wish) => {
      wishes.push(wish);
      seeder.seed(wish);
    },
    check: () => {},
  });
  const ahead: SeedAhead = new SeedAhead({
    clock,
    groups,
    armOf: (_, subject) => armOf(subject),
    list: (wish) => {
      lists.push(wish);
      const from = wish.after === null ? 0 : subjects.indexOf(wish.after) + 1;
      ahead.listed(wish, hooks.isDown ? null : subjects.slice(from, from + PAGE));
    },
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = async (ms: number, each: (nowMs: number) => void = () => {}): Promise<void> => {
    for (let at = 0; at < ms; at += 50) {
      await settle();
      clock.advance(50);
      each(clock.monotonic());
      if (clock.monotonic() % TICK_MS !== 0) continue;
      groups.tick();
      ahead.tick();
    }
    await settle();
  };
  const configure = (percent: number, campaign: string | null = "c1"): void =>
    ahead.configure({ campaign, samplePercent: new Map([["u", percent]]), arms: ["control", "candidate"] });
  const count = (standing: string): number =>
    groups.counts().reduce((sum, one) => sum + (one.standing === standing ? one.count : 0), 0);
  return { clock, groups, ahead, lists, wishes, seeds, busy, hooks, pass, configure, count };
}

test("shadow J1: whom an arm knows, and whom the sample has, is seeded before the first call; nobody else is", async () => {
  const subjects = names(40);
  const { pass, configure, seeds, groups } = open({ subjects, armOf: (one) => (one === "s000007" ? null : "control") });
  configure(50);
  await pass(5_000);
  const wanted = subjects.filter((one) => isSampled("u", one, 50) && one !== "s000007");
  assert.deepEqual(
    seeds.map(({ group }) => group).sort(),
    wanted,
    "in the sample, and where the next call goes is known",
  );
  assert.equal(groups.standing("u", wanted[0] as string), "seeded");
  groups.begin("u", wanted[0] as string, "control", true)();
  assert.equal(groups.standing("u", wanted[0] as string), "seeded", "its first call is in the sample");
});

test("shadow J1: nobody is foreseen before a campaign; a new one, and a rate that rises, begin again where seeds are missing", async () => {
  const subjects = names(60);
  const { pass, configure, seeds, lists } = open({ subjects });
  configure(10, null);
  await pass(2_000);
  assert.deepEqual([lists.length, seeds.length], [0, 0]);
  configure(10);
  await pass(4_000);
  const few = subjects.filter((one) => isSampled("u", one, 10)).length;
  assert.equal(seeds.length, few);
  const through = lists.length;
  configure(10);
  await pass(1_000);
  assert.equal(lists.length, through, "nothing has changed");
  configure(100);
  await pass(10_000);
  assert.equal(seeds.length, 60, "only those that had none");
  configure(50);
  await pass(1_000);
  const most = lists.length;
  configure(50, "c2");
  await pass(2_000);
  assert.ok(lists.length > most, "another campaign");
  assert.equal(seeds.length, 60, "they have theirs");
});

test("shadow J1: at most twenty a second, from pages that are read as they are used up", async () => {
  const { pass, configure, seeds, lists, groups } = open({ subjects: names(3_000) });
  configure(100);
  await pass(20_000);
  assert.ok(seeds.length >= 360 && seeds.length <= 400, `${seeds.length} in 20 s`);
  const pages = lists.filter(({ arm }) => arm === "control").length;
  assert.ok(pages <= 2, `${pages} pages are read`);
  assert.ok(groups.ahead <= PAGE + 100, `${groups.ahead} wait`);
});

test("shadow 5: 95 % of those that come are seeded within a minute of their first rest, whoever else is seeded ahead", async () => {
  const { pass, configure, groups, seeds } = open({ subjects: names(20_000), copyMs: 150 });
  configure(100);
  await pass(5_000);
  const arrived = new Map<string, number>();
  await pass(60_000, (nowMs) => {
    if (nowMs % 100 !== 0) return;
    const group = `new ${nowMs}`;
    arrived.set(group, nowMs);
    groups.begin("u", group, "control", true)();
  });
  await pass(5_000);
  const waits = seeds.flatMap(({ group, atMs }) => {
    const restMs = arrived.get(group);
    return restMs === undefined ? [] : [atMs - restMs - 1_000];
  });
  const inTime = waits.filter((ms) => ms <= 60_000).length;
  assert.ok(inTime >= arrived.size * 0.95, `${inTime} of ${arrived.size}`);
  assert.ok(Math.max(...waits) <= 2_000, `${Math.max(...waits)} ms at most: others have not kept them waiting`);
  assert.ok(seeds.length - waits.length > 200, `${seeds.length - waits.length} ahead beside them`);
});

test("shadow J1: one that comes into use is seeded as those are: not while it is busy, and once at a time", async () => {
  const { pass, configure, groups, wishes, seeds, busy, count } = open({ subjects: ["ann", "bob"], copyMs: 5_000 });
  configure(100);
  await pass(2_000);
  assert.equal(wishes.length, 2, "both are under way");
  busy.add("ann");
  const end = groups.begin("u", "ann", "control", true);
  await pass(6_000);
  assert.equal(groups.standing("u", "ann"), "waiting", "what was copied is not what it has now");
  assert.equal(groups.standing("u", "bob"), "seeded");
  assert.deepEqual([count("waiting"), count("seeded")], [1, 1]);
  end();
  await pass(6_000);
  assert.equal(wishes.length, 2, "its copies are not judged");
  busy.clear();
  await pass(7_000);
  assert.deepEqual([wishes.length, seeds.length], [3, 3]);
  assert.equal(groups.standing("u", "ann"), "seeded");
});

test("a seed ahead at the wrong arm is none: the group waits for its own, and is not told as one that lost it", async () => {
  const { pass, configure, groups } = open({ subjects: ["ann"] });
  configure(100);
  await pass(3_000);
  assert.equal(groups.standing("u", "ann"), "seeded");
  groups.begin("u", "ann", "candidate", false)();
  assert.equal(groups.standing("u", "ann"), "waiting");
});

test("another target makes what was foreseen worthless; it is not told as lost either", async () => {
  const { pass, configure, groups, seeds } = open({ subjects: ["ann"] });
  configure(100);
  await pass(3_000);
  groups.loseTarget("candidate");
  assert.equal(groups.standing("u", "ann"), "waiting");
  configure(100, "the same, elsewhere");
  await pass(3_000);
  assert.equal(seeds.length, 2);
  assert.equal(groups.standing("u", "ann"), "seeded");
});

test("a seed is of all that a subject has: of one that is in use in another unit none is made ahead", async () => {
  const { pass, configure, groups, wishes } = open({ subjects: ["ann"] });
  groups.begin("other", "ann", "control", false)();
  await pass(3_000);
  assert.deepEqual(
    wishes.map(({ unit }) => unit),
    ["other"],
  );
  configure(100);
  await pass(3_000);
  assert.equal(wishes.length, 1);
});

test("shadow J5, J1: who was in use half an hour ago is idle now, and is foreseen by the next campaign", async () => {
  const { pass, configure, groups, wishes, clock } = open({ subjects: ["ann", "bob"] });
  groups.begin("u", "ann", "control", false)();
  groups.begin("other", "bob", "control", false)();
  await pass(3_000);
  clock.advance(31 * 60_000);
  configure(100);
  await pass(3_000);
  assert.deepEqual(wishes.map(({ unit, group }) => `${unit} ${group}`).slice(2), ["u ann", "u bob"]);
});

test("where nothing works few are tried, and all is made up for once it does", async () => {
  const { pass, configure, hooks, wishes, lists, seeds } = open({ subjects: names(30) });
  configure(100);
  await pass(1_000);
  hooks.isDown = true;
  await pass(30_000);
  assert.ok(wishes.length <= 20, `${wishes.length} tries`);
  assert.ok(lists.length <= 10, `${lists.length} lists`);
  hooks.isDown = false;
  await pass(70_000);
  assert.equal(seeds.length, 30);
});

test("who was given up is tried again with the next campaign, and with no other in between", async () => {
  const { pass, configure, hooks, wishes, seeds, lists } = open({ subjects: ["ann"] });
  configure(100);
  await pass(600);
  assert.ok(lists.length > 0);
  hooks.isDown = true;
  await pass(200_000);
  assert.equal(wishes.length, 5);
  hooks.isDown = false;
  await pass(70_000);
  assert.deepEqual([wishes.length, seeds.length], [5, 0]);
  configure(100, "c2");
  await pass(70_000);
  assert.deepEqual([wishes.length, seeds.length], [6, 1]);
});

test("what the compare thread was asked before it died is asked for again", async () => {
  const clock = createManualClock();
  const lists: ListWish[] = [];
  const foreseen: string[] = [];
  const ahead = new SeedAhead({
    clock,
    groups: { ahead: 0, foresee: (_, name) => foreseen.push(name) > 0, forgetIdle: () => {} },
    armOf: () => "control",
    list: (wish) => lists.push(wish),
  });
  ahead.configure({ campaign: "c", samplePercent: new Map([["u", 100]]), arms: ["control"] });
  ahead.tick();
  ahead.tick();
  assert.equal(lists.length, 1);
  ahead.lost();
  ahead.tick();
  assert.equal(lists.length, 2);
  ahead.listed(lists[0] as ListWish, ["from the dead"]);
  ahead.listed(lists[1] as ListWish, ["ann"]);
  assert.deepEqual(foreseen, ["ann"]);
});
