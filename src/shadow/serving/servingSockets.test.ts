import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SocketTap } from "../../proxy/ports.ts";
import { CREDITS } from "../mirror/credits.ts";
import { legOf, openServingBench, planOf, type ServingBench, targets } from "./testing/servingBench.ts";

const TALK = planOf({ id: "talk", mode: "sandbox", isStateful: true, methods: ["WS"], surface: "talk" });
const frame = (bytes: number) => ({ isBinary: false, data: new Uint8Array(bytes) });
const kinds = (items: readonly { readonly kind: string }[]): readonly string[] => items.map(({ kind }) => kind);

function open(bench: ServingBench, subject = "ann"): SocketTap {
  const tap = bench.serving.socket(legOf(TALK, { subject }));
  assert.ok(tap !== null);
  return tap;
}

const seeded = (): ServingBench => {
  const bench = openServingBench({ plans: [TALK], hasSeeds: true });
  bench.serving.socket(legOf(TALK))?.closed("client", 1000);
  bench.seed();
  assert.equal(bench.groups.standing("u", "ann"), "seeded");
  bench.toMirror.length = 0;
  bench.toCompare.length = 0;
  return bench;
};

test("shadow S2: a socket is told to both threads from its handshake to its end, in order", () => {
  const bench = openServingBench({ plans: [TALK] });
  const tap = open(bench);
  tap.opened();
  tap.fromClient(frame(10));
  tap.fromArm(frame(20));
  tap.closed("client", 1000);
  tap.closed("arm", 1006);
  tap.fromArm(frame(20));
  assert.deepEqual(kinds(bench.toMirror), ["open", "client", "closed"]);
  assert.deepEqual(kinds(bench.toCompare), ["opening", "handshake", "client", "arm", "closed"]);
  assert.equal(bench.serving.credits.bytes, 40, "the client's frame goes to both");
  bench.serving.taken([[1, 20]]);
  assert.equal(bench.serving.credits.bytes, 20);
  bench.serving.socketEnded(1);
  assert.deepEqual([bench.serving.credits.bytes, bench.serving.credits.jobs, bench.serving.open], [0, 0, 0]);
});

test("the copy of a socket that the served arm refused is ended: nobody else would", () => {
  const bench = openServingBench({ plans: [TALK] });
  open(bench).refused(403, "text/plain", Buffer.from("no"));
  bench.serving.socketEnded(1);
  assert.deepEqual(kinds(bench.toMirror), ["open", "give-up"]);
});

test("shadow C4: without a credit for a frame the whole conversation is given up, and holds nothing", () => {
  const bench = openServingBench({ plans: [TALK] });
  const tap = open(bench);
  tap.fromArm(frame(CREDITS.bytes));
  tap.fromClient(frame(1));
  tap.fromClient(frame(1));
  assert.deepEqual(kinds(bench.toCompare), ["opening", "arm", "give-up"]);
  assert.deepEqual(kinds(bench.toMirror), ["open", "give-up"]);
  bench.serving.socketEnded(1);
  assert.equal(bench.serving.credits.bytes, 0);
});

test("shadow J1: a conversation that was given up keeps its group out of a new seed while its socket is open", () => {
  const bench = seeded();
  const tap = open(bench);
  tap.opened();
  bench.groups.diverged("u", "ann");
  bench.serving.socketEnded(1);
  for (let minute = 0; minute < 70; minute++) {
    bench.clock.advance(60_000);
    bench.groups.frame("u", "bob", "control", false);
    bench.groups.standing("u", "ann"); // it is looked at, so that it is not forgotten
    bench.groups.tick();
  }
  assert.ok(!bench.seeds.some(({ group }) => group === "ann"), "what it changes nobody sees");
  tap.closed("client", 1000);
  bench.seed();
  assert.equal(bench.groups.standing("u", "ann"), "seeded");
});

test("shadow I13: each open conversation is one that was lost with the compare thread, and its copy is cut", async () => {
  const bench = seeded();
  const tap = open(bench);
  tap.fromArm(frame(10));
  bench.serving.lost("engine_lost");
  assert.deepEqual(await bench.notCompared(), ["engine_lost 1"]);
  assert.equal(bench.groups.standing("u", "ann"), "diverged");
  assert.deepEqual(kinds(bench.toMirror), ["open", "give-up"]);
  tap.fromArm(frame(10));
  assert.equal(bench.serving.credits.bytes, 0);
  assert.equal(bench.serving.accounting.gap, 0);
});

test("shadow I1: a path that cannot be told costs no credit", () => {
  const bench = openServingBench({ plans: [TALK] });
  const leg = legOf(TALK, {
    targetFor: () => {
      throw new Error("no such path");
    },
  });
  assert.equal(bench.serving.socket(leg), null);
  assert.deepEqual([bench.serving.open, bench.serving.credits.jobs, bench.serving.accounting.gap], [0, 0, 0]);
});

for (const [where, to] of [
  ["handshake", "compare"],
  ["client", "mirror"],
  ["client", "compare"],
  ["arm", "compare"],
  ["open", "mirror"],
  ["closed", "mirror"],
] as const) {
  test(`shadow I1: a tap that fails at "${where}" for the ${to} thread is told at once, and the served side sees nothing of it`, async () => {
    const bench = seeded();
    bench.hooks.onItem = (item, thread) => {
      if (item.kind === where && thread === to) throw new Error("a defect of ours");
    };
    const tap = bench.serving.socket(legOf(TALK));
    assert.ok(tap !== null);
    tap.opened();
    tap.fromClient(frame(10));
    tap.fromArm(frame(10));
    tap.closed("client", 1000);
    const given = bench.toCompare.filter(({ kind }) => kind === "give-up");
    assert.deepEqual(given, [{ kind: "give-up", id: 1, reason: "engine_lost" }]);
    assert.ok(kinds(bench.toMirror).includes("give-up"));
    bench.serving.socketEnded(1);
    assert.deepEqual([bench.serving.open, bench.serving.credits.bytes, bench.serving.accounting.gap], [0, 0, 0]);
    bench.groups.diverged("u", "ann"); // as the compare thread says of a conversation that was given up
    bench.groups.lose("u", "ann");
    bench.seed();
    assert.equal(bench.groups.standing("u", "ann"), "seeded", "its end is known");
  });
}

test("shadow I1: what cannot even be told to the compare thread is counted here", async () => {
  for (const isOpened of [false, true]) {
    const bench = seeded();
    const tap = isOpened ? open(bench) : null;
    bench.hooks.onItem = (item) => {
      if (item.kind !== "skip") throw new Error("a defect of ours");
    };
    if (isOpened) tap?.opened();
    else assert.equal(bench.serving.socket(legOf(TALK)), null);
    tap?.fromArm(frame(10));
    assert.deepEqual(await bench.notCompared(), ["engine_lost 1"]);
    assert.equal(bench.groups.standing("u", "ann"), "diverged", "nobody knows what it does at the target");
    assert.deepEqual([bench.serving.open, bench.serving.credits.bytes, bench.serving.accounting.gap], [0, 0, 0]);
  }
});

const READ = planOf({ id: "read" });
const UNSEEN = { ...TALK, mode: "never", isStateful: false } as const;

test("shadow W3, §8: what a socket that is not mirrored does is a write as any other: reads behind it are not copied, then race", async () => {
  const bench = openServingBench({ plans: [READ, UNSEEN] });
  bench.serving.setTargets(targets({ guard: "none" }));
  const tap = bench.serving.socket(legOf(UNSEEN));
  const wrote = (): number => bench.toCompare.filter(({ kind }) => kind === "wrote").length;
  const read = (): boolean => {
    const call = bench.serving.call(legOf(READ), false);
    call?.head(200, []);
    call?.end(null);
    return call !== null;
  };
  bench.clock.advance(10_000);
  assert.ok(read());
  for (const act of [
    () => tap?.opened(),
    () => tap?.fromClient(frame(1)),
    () => tap?.fromArm(frame(1)),
    () => tap?.closed("client", 1000),
  ]) {
    const before = wrote();
    act();
    assert.equal(wrote(), before + 1, "the compare thread knows when");
    assert.ok(!read(), "the other arm may not have it yet");
    bench.clock.advance(5_001);
    assert.ok(read());
  }
  assert.deepEqual(await bench.notCompared(), ["unsafe_write 1", "unseeded 4"]);
});

test("many frames of a socket that is not mirrored are told once in a moment; nothing is where nobody is sampled", () => {
  const bench = openServingBench({ plans: [READ, UNSEEN] });
  const tap = bench.serving.socket(legOf(UNSEEN));
  for (let nr = 0; nr < 1_000; nr++) {
    tap?.fromArm(frame(1));
    bench.clock.advance(1);
  }
  assert.ok(bench.toCompare.length <= 11, `${bench.toCompare.length} are told`);
  const none = openServingBench({ plans: [{ ...READ, samplePercent: 0 }, UNSEEN] });
  assert.equal(none.serving.socket(legOf(UNSEEN)), null);
});

test("a socket that is not mirrored is counted as that, and followed where its group is", async () => {
  const never = { ...TALK, mode: "never" } as const;
  const plain = openServingBench({ plans: [never] });
  assert.equal(plain.serving.socket(legOf(never)), null);
  assert.deepEqual(await plain.notCompared(), ["unsafe_write 1"]);
  const waiting = openServingBench({ plans: [TALK], hasSeeds: true });
  const tap = waiting.serving.socket(legOf(TALK));
  waiting.clock.advance(60_000);
  waiting.groups.tick();
  assert.equal(waiting.seeds.length, 0, "open, and not mirrored");
  tap?.closed("arm", 1000);
  waiting.seed();
  assert.equal(waiting.groups.standing("u", "ann"), "seeded");
});

test("whatever becomes of sockets, in the end nothing is held", () => {
  const step = fc.record({ at: fc.nat(3), what: fc.nat(8), bytes: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const bench = openServingBench({ plans: [TALK] });
      const taps = ["a", "b", "c", "d"].map((subject) => open(bench, subject));
      for (const { at, what, bytes } of steps) {
        const tap = taps[at] as SocketTap;
        if (what === 0) tap.opened();
        else if (what === 1) tap.fromClient(frame(bytes));
        else if (what === 2) tap.fromArm(frame(bytes));
        else if (what === 3) tap.closed("proxy", 1012);
        else if (what === 4) tap.failed("reset");
        else if (what === 5) bench.serving.taken([[at + 1, bytes]]);
        else if (what === 6) bench.serving.socketEnded(at + 1);
        else if (what === 7) bench.serving.lost("engine_lost");
        else tap.refused(404, "", new Uint8Array(bytes));
        assert.equal(bench.serving.accounting.gap, 0);
        assert.ok(bench.serving.credits.bytes >= 0);
      }
      for (let id = 1; id <= 4; id++) bench.serving.socketEnded(id);
      for (const tap of taps) tap.fromArm(frame(10));
      assert.deepEqual([bench.serving.open, bench.serving.credits.jobs, bench.serving.credits.bytes], [0, 0, 0]);
    }),
  );
});
