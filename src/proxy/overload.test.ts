import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createManualClock } from "../kernel/index.ts";
import { nextOverload, OVERLOAD_START, type OverloadState, watchOverload } from "./overload.ts";
import { startProxy } from "./testing/proxyFixture.ts";
import { askOnce, request } from "./testing/rawClient.ts";
import { startRawOrigin } from "./testing/rawOrigin.ts";
import { until } from "./testing/wait.ts";

const LIMITS = { memoryBytesMax: 1_000 };
const late = (state: OverloadState, nowMs: number, memoryBytes = 0) =>
  nextOverload(state, { loopDelayMs: 201, memoryBytes }, LIMITS, nowMs);
const calm = (state: OverloadState, nowMs: number, memoryBytes = 0) =>
  nextOverload(state, { loopDelayMs: 200, memoryBytes }, LIMITS, nowMs);

describe("event-loop guard", () => {
  test("sheds a tenth after 5 s above 200 ms, then doubles, and never everything", () => {
    let state = OVERLOAD_START;
    const ratios: number[] = [];
    for (let second = 0; second <= 40; second++) {
      state = late(state, second * 1_000);
      ratios.push(state.shedRatio);
    }
    assert.deepEqual(ratios.slice(0, 5), [0, 0, 0, 0, 0], "at the limit's time nothing is refused yet");
    assert.deepEqual([ratios[5], ratios[10], ratios[15], ratios[20], ratios[40]], [0.1, 0.2, 0.4, 0.8, 0.8]);
  });

  test("a calm reading starts the time anew and halves the share down to none", () => {
    let state = late(OVERLOAD_START, 0);
    state = calm(state, 4_000);
    state = late(state, 4_500);
    assert.equal(late(state, 9_000).shedRatio, 0);
    assert.equal(late(state, 9_500).shedRatio, 0.1);
    let shedding: OverloadState = { ...OVERLOAD_START, shedRatio: 0.8 };
    const shares: number[] = [];
    for (let i = 0; i < 6; i++) {
      shedding = calm(shedding, i);
      shares.push(shedding.shedRatio);
    }
    assert.deepEqual(shares, [0.4, 0.2, 0.1, 0.05, 0, 0]);
  });
});

describe("memory guard", () => {
  test("above 75 % no sockets, above 85 % no connections, at the limit neither", () => {
    const memoryAt = (bytes: number) => calm(OVERLOAD_START, 0, bytes).memory;
    assert.deepEqual([750, 751, 850, 851].map(memoryAt), ["ok", "no-sockets", "no-sockets", "no-connections"]);
    assert.equal(
      calm({ ...OVERLOAD_START, memory: "no-connections" }, 0, 100).memory,
      "ok",
      "it ends when memory is back",
    );
  });

  test("calls are 503 while memory is short, and counted", async (t) => {
    const origin = await startRawOrigin();
    const fixture = await startProxy({ control: origin.url, limits: { memory: "64MiB" } });
    t.after(async () => {
      fixture.stop();
      await origin.stop();
    });
    const get = request(["GET /calls/a HTTP/1.1", "Host: a"]);
    assert.equal((await askOnce(fixture.port, get)).status, 200, "before the first reading");
    await until("the guard has read the memory", async () => (await askOnce(fixture.port, get)).status === 503);
    const reply = await askOnce(fixture.port, get);
    assert.deepEqual([reply.code, reply.one("retry-after")], ["SY_OVERLOADED", "1"]);
    assert.equal(await fixture.refused("SY_OVERLOADED"), 2);
  });

  test("this process is measured each second", () => {
    const clock = createManualClock();
    const rss = process.memoryUsage.rss();
    const guard = watchOverload({ clock, memoryBytesMax: Math.floor(rss / 0.8) });
    try {
      assert.equal(guard.isMemoryShort(), false);
      clock.advance(1_000);
      assert.equal(guard.isMemoryShort(), true);
      const tight = watchOverload({ clock, memoryBytesMax: Math.floor(rss / 2) });
      clock.advance(1_000);
      assert.equal(tight.shouldShed(), true, "above 85 % no call is taken");
      tight.stop();
    } finally {
      guard.stop();
    }
    assert.equal(clock.pending, 0, "no timer is left");
  });
});
