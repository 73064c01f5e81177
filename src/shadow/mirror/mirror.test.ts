import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BodyTap, TAP_BYTES } from "./bodyTap.ts";
import { Circuit } from "./circuit.ts";
import { CREDITS, Credits } from "./credits.ts";
import { GroupQueues, type Place } from "./groupQueue.ts";
import { Pressure } from "./pressure.ts";

test("shadow I4: a tap copies what it is given, and holds it until the job has ended", () => {
  const credits = new Credits();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
      const tap = new BodyTap(credits);
      const expected = Buffer.concat(chunks);
      for (const chunk of chunks) {
        tap.add(chunk);
        chunk.fill(0); // the served leg uses it again
      }
      assert.equal(credits.bytes, expected.length);
      assert.deepEqual(Buffer.from(tap.whole() ?? []), expected);
      tap.release();
      assert.equal(credits.bytes, 0);
    }),
  );
});

test("shadow I4: a body above its limit, or beyond the budget of all, is given up whole and gives back everything", () => {
  const credits = new Credits({ jobs: 1, bytes: 1_000 });
  const large = new BodyTap(credits, 300);
  large.add(new Uint8Array(300));
  assert.equal(large.loss, null);
  large.add(new Uint8Array(1));
  assert.equal(large.loss, "body_too_large");
  assert.equal(large.whole(), null);
  const [first, second] = [new BodyTap(credits, 900), new BodyTap(credits, 900)];
  first.add(new Uint8Array(900));
  second.add(new Uint8Array(101));
  assert.equal(second.loss, "tap_budget");
  assert.equal(credits.bytes, 900);
  const huge = new BodyTap(new Credits(), Number.MAX_SAFE_INTEGER);
  huge.add(new Uint8Array(TAP_BYTES.max + 1));
  assert.equal(huge.loss, "body_too_large");
});

test("shadow I6: so many jobs and no more", () => {
  const credits = new Credits();
  const taken = Array.from({ length: CREDITS.jobs + 5 }, () => credits.takeJob()).filter(Boolean).length;
  assert.equal(taken, CREDITS.jobs);
  credits.giveJob();
  assert.ok(credits.takeJob() && !credits.takeJob());
});

function openCircuit() {
  let now = 0;
  const changes: string[] = [];
  const circuit = new Circuit({ now: () => now, onChange: (state) => changes.push(state) });
  const call = (isFailed: boolean): boolean => {
    const report = circuit.pass();
    report?.(isFailed);
    return report !== null;
  };
  return { circuit, changes, call, wait: (ms: number) => (now += ms) };
}

test("shadow I8: half of twenty calls in ten seconds failed opens, one try after fifteen closes", () => {
  const { circuit, changes, call, wait } = openCircuit();
  for (let at = 0; at < 19; at++) call(at % 2 === 0);
  assert.equal(circuit.state, "closed");
  call(true);
  assert.equal(circuit.state, "open");
  wait(14_999);
  assert.equal(circuit.restMs, 1);
  assert.ok(!call(false));
  wait(1);
  assert.ok(call(true), "the try");
  assert.ok(!call(false));
  assert.equal(circuit.restMs, 15_000, "a try that failed is followed by another rest");
  wait(15_000);
  const report = circuit.pass();
  assert.ok(report !== null);
  assert.equal(circuit.pass(), null, "one try at a time");
  report(false);
  assert.equal(circuit.state, "closed");
  assert.deepEqual(changes, ["open", "trying", "open", "trying", "closed"]);
});

test("shadow I8: what left before it opened says nothing of the try, and a try of which nothing is heard is over", () => {
  const { circuit, call, wait } = openCircuit();
  const early = circuit.pass();
  for (let at = 0; at < 20; at++) call(true);
  wait(15_000);
  const first = circuit.pass();
  assert.ok(first !== null);
  early?.(false);
  assert.equal(circuit.state, "trying");
  wait(30_000);
  const second = circuit.pass();
  assert.ok(second !== null);
  first(true);
  assert.equal(circuit.state, "trying");
  second(false);
  assert.equal(circuit.state, "closed");
});

test("shadow I8: what failed more than ten seconds ago is forgotten", () => {
  const { circuit, call, wait } = openCircuit();
  for (let at = 0; at < 15; at++) call(true);
  wait(10_001);
  for (let at = 0; at < 15; at++) call(true);
  assert.equal(circuit.state, "closed");
});

test("shadow I12: under pressure the share halves with every look, and comes back the same way", () => {
  const pressure = new Pressure();
  const calm = { eventLoopDelayP99Ms: 5, inFlight: 10, inFlightMax: 100 };
  const shares = [calm, { ...calm, eventLoopDelayP99Ms: 21 }, { ...calm, inFlight: 81 }, calm, calm, calm].map(
    (load) => {
      pressure.look(load);
      return [pressure.share, pressure.ratePercent(80)];
    },
  );
  assert.deepEqual(
    shares,
    [1, 0.5, 0.25, 0.5, 1, 1].map((share) => [share, 80 * share]),
  );
});

/** What happened, as the copies themselves saw it. */
interface Run {
  readonly at: number;
  readonly isBarrier: boolean;
  end(): void;
}

test("shadow S4: copies leave in order around barriers, reads at most four at once, and all leave", async () => {
  const action = fc.record({ pick: fc.nat(), do: fc.constantFrom("ready", "drop", "end", "end") });
  const copies = fc.array(fc.boolean(), { minLength: 1, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(copies, fc.array(action, { maxLength: 80 }), async (barriers, actions) => {
      const queues = new GroupQueues();
      const places = barriers.map((isBarrier) => queues.arrive("ann", isBarrier));
      const awaited = new Map<number, Place>(places.entries());
      const running: Run[] = [];
      const ended = new Set<number>();
      const start = (at: number) => (): Promise<void> => {
        const isBarrier = barriers[at] === true;
        const earlier = [...barriers.keys()].filter((one) => one < at && !ended.has(one));
        assert.ok(!earlier.some((one) => isBarrier || barriers[one]), `${at} left before ${earlier.join()}`);
        assert.ok(running.length < 4 && !running.some((one) => one.isBarrier));
        const { promise, resolve } = Promise.withResolvers<void>();
        running.push({ at, isBarrier, end: resolve });
        return promise;
      };
      const take = async (kind: string, pick: number): Promise<void> => {
        if (kind === "end") {
          const [one] = running.splice(pick % (running.length || 1), 1);
          if (one === undefined) return;
          ended.add(one.at);
          one.end();
        } else {
          const at = [...awaited.keys()][pick % (awaited.size || 1)];
          if (at === undefined) return;
          if (kind === "drop") {
            ended.add(at);
            awaited.get(at)?.drop();
          } else awaited.get(at)?.ready(start(at));
          awaited.delete(at);
        }
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      };
      for (const { do: kind, pick } of actions) await take(kind, pick);
      while (awaited.size > 0) await take("ready", 0);
      while (running.length > 0) await take("end", 0);
      assert.equal(ended.size, barriers.length);
      assert.equal(queues.size, 0);
    }),
    { numRuns: 500 },
  );
});

test("shadow S4: a copy that throws at once holds nobody up, and what it starts stays within four", async () => {
  const queues = new GroupQueues();
  const places = Array.from({ length: 9 }, () => queues.arrive("ann", false));
  let [running, most] = [0, 0];
  const run = (at: number) => (): Promise<void> => {
    most = Math.max(most, ++running);
    for (const [other, place] of places.entries()) if (other > at) place.ready(run(other));
    return Promise.resolve().then(() => void (running -= 1));
  };
  places[0]?.ready(run(0));
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  assert.deepEqual([most, queues.size], [4, 0]);
  queues.arrive("bob", true).ready(() => {
    throw new Error("odd");
  });
  let isNext = false;
  queues.arrive("bob", true).ready(() => Promise.resolve((isNext = true)));
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.ok(isNext);
});

test("shadow S4: groups do not wait for each other, and a copy that fails holds nobody up", async () => {
  const queues = new GroupQueues();
  const left: string[] = [];
  const go =
    (name: string, end: () => Promise<unknown> = () => Promise.resolve()) =>
    () => {
      left.push(name);
      return end();
    };
  queues.arrive("ann", true);
  queues.arrive("bob", true).ready(go("bob", () => Promise.reject(new Error("reset"))));
  queues.arrive("bob", true).ready(go("bob again"));
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.deepEqual(left, ["bob", "bob again"]);
  assert.equal(queues.size, 1);
});
