import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallTap, LeavingLeg } from "../../proxy/ports.ts";
import { CREDITS } from "../mirror/credits.ts";
import type { RoutePlan } from "../plans.ts";
import type { NotComparedReason } from "../words.ts";
import { MissedByCompare } from "./missed.ts";
import {
  assertWhole,
  HEAD,
  legOf,
  openServingBench,
  planOf,
  type ServingBench,
  targets,
} from "./testing/servingBench.ts";

const READ = planOf({ id: "read" });
const WRITE = planOf({ id: "write", mode: "sandbox", isStateful: true, methods: ["POST"] });
const NEVER = planOf({ id: "never", mode: "never", isStateful: true, methods: ["POST"] });
const POST = { method: "POST" };

function answer(tap: CallTap | null, body = "ok"): void {
  tap?.head(...HEAD);
  tap?.chunk(Buffer.from(body));
  tap?.end(null);
}

const REASONS: readonly (readonly [
  NotComparedReason,
  RoutePlan,
  Partial<LeavingLeg>,
  (bench: ServingBench) => void,
])[] = [
  ["engine_lost", READ, {}, ({ serving }) => serving.setRunning(false)],
  ["no_target", WRITE, POST, ({ serving }) => serving.setTargets(targets({ guard: "none" }))],
  ["no_target", READ, {}, ({ serving }) => serving.setTargets(targets({ guard: "asking" }))],
  ["target_unsafe", READ, {}, ({ serving }) => serving.setTargets(targets({ guard: "unsafe" }))],
  ["target_down", READ, {}, ({ serving }) => serving.setTargets(targets({ guard: "unreachable" }))],
  [
    "circuit_open",
    READ,
    {},
    ({ serving, clock }) => serving.setTargets(targets({ circuit: "open", restsUntilMs: clock.now() + 1 })),
  ],
  ["budget", { ...READ, copiesPerMinute: 0 }, {}, () => {}],
  [
    "pressure",
    READ,
    {},
    ({ pressure }) => {
      for (let at = 0; at < 10; at++) pressure.look({ eventLoopDelayP99Ms: 100, inFlight: 0, inFlightMax: 1 });
    },
  ],
  [
    "queue_full",
    READ,
    { subject: "bob" },
    ({ serving }) => {
      for (let at = 0; at < CREDITS.jobs; at++) serving.call(legOf(READ), false);
    },
  ],
  [
    "unseeded",
    READ,
    {},
    ({ serving }) => {
      serving.setTargets(targets({ guard: "none" }));
      serving.call(legOf(NEVER, POST), false);
    },
  ],
];

for (const [reason, plan, leg, arrange] of REASONS) {
  test(`what cannot be copied for ${reason} is counted as that, with no credit and no tap`, async () => {
    const bench = openServingBench({ plans: [plan, NEVER] });
    arrange(bench);
    const [jobs, before] = [bench.serving.credits.jobs, await bench.notCompared()];
    assert.equal(bench.serving.call(legOf(plan, leg), false), null);
    assert.equal(bench.serving.credits.jobs, jobs);
    const now = (await bench.notCompared()).filter((one) => !before.includes(one));
    assert.deepEqual(now, [`${reason} 1`]);
    bench.serving.flush();
    const skip = bench.toCompare.at(-1);
    const isTold = skip?.kind === "skipped" ? skip.count === 1 : skip?.kind === "skip";
    assert.ok(isTold && skip !== undefined && "reason" in skip && skip.reason === reason, "the evidence has it too");
    assertWhole(bench);
  });
}

test("what is not copied goes to the evidence together, by route and reason; what sets arms apart goes at once", () => {
  const bench = openServingBench({ plans: [READ, WRITE] });
  bench.serving.setTargets(targets({ guard: "unsafe" }));
  for (let at = 0; at < 3; at++) bench.serving.call(legOf(READ), false);
  assert.equal(bench.toCompare.length, 0);
  bench.serving.call(legOf(WRITE, POST), false);
  assert.deepEqual(
    bench.toCompare.filter(({ kind }) => kind !== "wrote").map(({ kind }) => kind),
    ["skip"],
  );
  bench.clock.advance(100);
  const told = bench.toCompare.flatMap((item) =>
    item.kind === "skipped" ? [[item.route, item.reason, item.count]] : [],
  );
  assert.deepEqual(told, [[READ.id, "target_unsafe", 3]]);
  bench.clock.advance(1_000);
  assert.equal(bench.toCompare.filter(({ kind }) => kind === "skipped").length, 1);
});

test("shadow I8: behind a circuit that has rested one call is handed over as a try, and no other before more is known", async () => {
  const bench = openServingBench({ plans: [READ] });
  const { serving, clock } = bench;
  const isHandedOver = (): boolean => serving.call(legOf(READ), false) !== null;
  const rest = (circuit: "open" | "trying", ms: number): void =>
    serving.setTargets(targets({ circuit, restsUntilMs: clock.now() + ms }));
  rest("open", 15_000);
  clock.advance(14_999);
  assert.equal(isHandedOver(), false);
  clock.advance(1);
  assert.deepEqual([isHandedOver(), isHandedOver()], [true, false]);
  // It did not leave: the next one is.
  clock.advance(1_000);
  assert.deepEqual([isHandedOver(), isHandedOver()], [true, false]);
  rest("trying", 30_000);
  clock.advance(29_999);
  assert.equal(isHandedOver(), false);
  // Nothing was heard of the try.
  clock.advance(1);
  assert.deepEqual([isHandedOver(), isHandedOver()], [true, false]);
  serving.setTargets(targets({}));
  assert.deepEqual([isHandedOver(), isHandedOver()], [true, true]);
  assert.deepEqual(await bench.notCompared(), ["circuit_open 5"]);
});

test("shadow I8: tries go on when the wall clock was set back", () => {
  const bench = openServingBench({ plans: [READ] });
  const { serving, clock } = bench;
  const isHandedOver = (): boolean => serving.call(legOf(READ), false) !== null;
  // Told again every second: the mirror thread counts its rest by a clock that nobody sets.
  const told = (): void => serving.setTargets(targets({ circuit: "open", restsUntilMs: clock.now() }));
  told();
  assert.ok(isHandedOver());
  clock.step(-3_600_000);
  clock.advance(1_000);
  told();
  assert.ok(isHandedOver());
});

test("shadow W2: what is not a GET never leaves for a serving instance", async () => {
  const plan = { ...READ, methods: ["GET", "HEAD"] };
  const bench = openServingBench({ plans: [plan] });
  bench.serving.setTargets(targets({ guard: "none" }));
  assert.equal(bench.serving.call(legOf(plan, { method: "HEAD" }), false), null);
  assert.deepEqual(await bench.notCompared(), ["unsafe_write 1"]);
  assert.notEqual(bench.serving.call(legOf(plan), false), null);
  assertWhole(bench);
});

test("shadow J1, J5, J4: a group is not sampled until it is seeded, then unseeded or diverged", async () => {
  const bench = openServingBench({ plans: [WRITE], hasSeeds: true });
  const { serving } = bench;
  answer(serving.call(legOf(WRITE, POST), false));
  assert.equal(serving.accounting.sampled, 0);
  bench.seed();
  answer(serving.call(legOf(WRITE, POST), false));
  assert.equal(serving.accounting.sampled, 1);
  bench.end(1);
  answer(serving.call(legOf(WRITE, { ...POST, arm: "candidate" }), false));
  assert.deepEqual(await bench.notCompared(), ["unseeded 1"]);
  bench.seed();
  bench.groups.diverged("u", "ann");
  answer(serving.call(legOf(WRITE, { ...POST, arm: "candidate" }), false));
  assert.deepEqual(await bench.notCompared(), ["diverged 1", "unseeded 1"]);
  assertWhole(bench);
});

test("a write that is skipped while its group has lost its seed does not put the next seed off for an hour", () => {
  const bench = openServingBench({ plans: [WRITE], hasSeeds: true });
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.seed();
  answer(bench.serving.call(legOf(WRITE, { ...POST, arm: "candidate" }), false));
  bench.groups.diverged("u", "ann"); // as the compare thread says of each write that was not mirrored
  bench.seed();
  assert.equal(bench.groups.standing("u", "ann"), "seeded");
});

test("shadow J2: a write that is not mirrored ends the comparing of its group at once, though no thread is there", async () => {
  const bench = openServingBench({ plans: [WRITE], hasSeeds: true });
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.seed();
  bench.serving.setRunning(false);
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.serving.setRunning(true);
  assert.equal(bench.groups.standing("u", "ann"), "diverged");
  answer(bench.serving.call(legOf(WRITE, POST), false));
  assert.deepEqual(await bench.notCompared(), ["diverged 1", "engine_lost 1"]);
});

test("shadow J2: a write on a route that is never mirrored costs its group the seed", () => {
  const bench = openServingBench({ plans: [WRITE, NEVER], hasSeeds: true });
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.seed();
  const tap = bench.serving.call(legOf(NEVER, POST), false);
  assert.equal(bench.groups.standing("u", "ann"), "lost");
  bench.clock.advance(60_000);
  bench.groups.tick();
  assert.equal(bench.seeds.length, 0, "it is in flight");
  answer(tap);
  bench.seed();
  assert.equal(bench.groups.standing("u", "ann"), "seeded");
});

test("shadow J1: another target has none of what was seeded at the one before", () => {
  const settings = { plans: [WRITE], hasSeeds: true, origins: { candidate: "http://one" } };
  const bench = openServingBench(settings);
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.seed();
  bench.configure(settings);
  bench.configure({ ...settings, origins: { candidate: "http://one", control: "http://other" } });
  assert.equal(bench.groups.standing("u", "ann"), "seeded");
  bench.configure({ ...settings, origins: { candidate: "http://two" } });
  assert.equal(bench.groups.standing("u", "ann"), "lost");
  bench.seed();
  assert.equal(bench.groups.standing("u", "ann"), "seeded");
});

test("shadow J3: a group is not at rest while copies of its calls are not judged", () => {
  const bench = openServingBench({ plans: [WRITE], hasSeeds: true });
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.seed();
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.clock.advance(20_000);
  bench.groups.tick();
  assert.equal(bench.checks.length, 0, "its copy may still wait for a place");
  bench.end(1);
  bench.groups.tick();
  assert.equal(bench.checks.length, 1);
});

test("shadow I13: with the compare thread everything open is lost, and gives back what it holds whatever comes behind", async () => {
  const bench = openServingBench({ plans: [READ, WRITE] });
  const { serving, toMirror, toCompare } = bench;
  const upload = serving.call(legOf(WRITE, POST), true);
  upload?.requestChunk(Buffer.alloc(100));
  const download = serving.call(legOf(READ), false);
  download?.head(...HEAD);
  download?.chunk(Buffer.alloc(100));
  assert.equal(serving.credits.bytes, 200);
  serving.lost("engine_lost");
  assert.deepEqual([serving.credits.jobs, serving.credits.bytes], [0, 0]);
  upload?.requestChunk(Buffer.alloc(100));
  upload?.requestEnd();
  answer(upload);
  download?.chunk(Buffer.alloc(100));
  download?.end(null);
  assert.equal(serving.credits.bytes, 0, "nobody would ever give it back");
  assert.deepEqual(await bench.notCompared(), ["engine_lost 2"]);
  assert.ok(!toCompare.some(({ kind }) => kind === "served"), "half of an answer is not compared");
  assert.ok(!toMirror.some((item) => item.kind === "offer" && item.copy.method === "POST"), "nor half a body sent");
  assert.ok(
    toMirror.some(({ kind }) => kind === "drop"),
    "and nobody waits behind it",
  );
  assertWhole(bench);
});

test("shadow I13, J2: a group whose write was open when the compare thread died is not trusted any more", () => {
  const bench = openServingBench({ plans: [WRITE], hasSeeds: true });
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.seed();
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.serving.lost("engine_lost");
  assert.equal(bench.groups.standing("u", "ann"), "diverged");
});

test("shadow I13, J4: a group that is never seeded and has gone apart is remembered for the thread behind, with what was lost", () => {
  const bench = openServingBench({ plans: [READ, WRITE] });
  const { serving } = bench;
  serving.call(legOf(WRITE, { ...POST, subject: "ann" }), false);
  serving.call(legOf(READ, { subject: "bob" }), false);
  serving.lost("engine_lost");
  serving.diverged("u", "cid");
  serving.setTargets(targets({ guard: "unreachable" }));
  serving.call(legOf(WRITE, { ...POST, subject: "dan" }), false);
  const atMs = bench.clock.now();
  const { losses, diverged } = serving.missed.take();
  assert.deepEqual(losses, [
    { route: "write", reason: "engine_lost", atMs, count: 1 },
    { route: "read", reason: "engine_lost", atMs, count: 1 },
  ]);
  assert.deepEqual(
    diverged.map(([unit, group]) => `${unit} ${group}`),
    ["u ann", "u cid", "u dan"],
  );
  assert.deepEqual(serving.missed.take(), { losses: [], diverged }, "losses are counted once, groups told to each");
  serving.missed.seeded("u", "ann");
  assert.equal(serving.missed.take().diverged.length, 2);
  serving.missed.forgetDiverged();
  assert.deepEqual(serving.missed.take().diverged, []);
  assertWhole(bench);
});

test("what is remembered for a new compare thread has a bound, and nothing of what was lost is lost again", () => {
  let dropped = 0;
  const missed = new MissedByCompare(() => (dropped += 1));
  for (let nr = 0; nr < 20_010; nr++) missed.diverged("u", `g${nr}`);
  for (let minute = 0; minute < 10_000; minute++) missed.lost("read", "engine_lost", minute * 60_000);
  const { losses, diverged } = missed.take();
  assert.deepEqual([diverged.length, diverged[0]?.[1], dropped], [20_000, "g10", 10]);
  assert.ok(losses.length <= 5_001);
  assert.equal(
    losses.reduce((sum, { count }) => sum + count, 0),
    10_000,
  );
});

test("a seed that was asked of a thread that died is asked for again", () => {
  const bench = openServingBench({ plans: [WRITE], hasSeeds: true });
  answer(bench.serving.call(legOf(WRITE, POST), false));
  bench.clock.advance(2_500);
  bench.groups.tick();
  assert.equal(bench.seeds.length, 1);
  bench.serving.lost("engine_lost");
  bench.groups.tick();
  assert.equal(bench.seeds.length, 2);
});

test("what the compare thread does not know any more is counted where it was offered", async () => {
  const bench = openServingBench({ plans: [READ] });
  answer(bench.serving.call(legOf(READ), false));
  bench.end(1, "not_compared");
  const text = JSON.stringify(await bench.metrics.json());
  assert.ok(!text.includes('"unit":"none"') && !text.includes('"route":"none"'));
});

test("shadow I1: a defect of ours in a tap ends the tap, and is accounted for", async () => {
  const bench = openServingBench({ plans: [READ] });
  const leg = legOf(READ, {
    targetFor: () => {
      throw new Error("no such path");
    },
  });
  const tap = bench.serving.call(leg, false);
  assert.doesNotThrow(() => answer(tap));
  assert.deepEqual(await bench.notCompared(), ["engine_lost 1"]);
  assert.deepEqual([bench.serving.credits.jobs, bench.serving.credits.bytes], [0, 0]);
  assertWhole(bench);
});

test("shadow S1: what is configured away is not offered any more, what is open is judged all the same", () => {
  const bench = openServingBench({ plans: [READ] });
  const tap = bench.serving.call(legOf(READ), false);
  bench.configure({ plans: [] });
  assert.equal(bench.serving.call(legOf(READ), false), null);
  answer(tap);
  bench.end(1);
  assert.equal(bench.serving.open, 0);
  assertWhole(bench);
});
