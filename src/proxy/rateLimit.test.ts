import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createManualClock } from "../kernel/index.ts";
import { createPace, createRateLimiter } from "./rateLimit.ts";
import { startProxy } from "./testing/proxyFixture.ts";
import { askOnce, request } from "./testing/rawClient.ts";
import { startRawOrigin } from "./testing/rawOrigin.ts";
import { bearer } from "./testing/tokens.ts";

describe("token bucket", () => {
  test("lets the burst through, then says how long to wait, then the rate", () => {
    const clock = createManualClock();
    const limiter = createRateLimiter({ perSecond: 2, burst: 3 }, clock);
    assert.deepEqual(
      [1, 2, 3].map(() => limiter.take("a")),
      [0, 0, 0],
    );
    assert.equal(limiter.take("a"), 1, "whole seconds, rounded up");
    clock.advance(499);
    assert.equal(limiter.take("a"), 1);
    clock.advance(1);
    assert.equal(limiter.take("a"), 0);
    assert.equal(limiter.take("a"), 1);
    clock.advance(60_000);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limiter.take("a")),
      [0, 0, 0, 1],
      "never more than the burst is saved",
    );
  });

  test("a slow rate asks for a long wait", () => {
    const limiter = createRateLimiter({ perSecond: 1 / 60, burst: 1 }, createManualClock());
    limiter.take("a");
    assert.equal(limiter.take("a"), 60);
  });

  test("keys do not share a bucket, and the names of prototypes are keys", () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 1 }, createManualClock());
    for (const key of ["a", "b", "", "__proto__", "constructor"]) {
      assert.equal(limiter.take(key), 0, key);
      assert.equal(limiter.take(key), 1, key);
    }
  });

  test("remembers a bounded number of keys; the oldest is forgotten in its favour", () => {
    const limiter = createRateLimiter({ perSecond: 1, burst: 1 }, createManualClock(), 2);
    for (const key of ["a", "b", "c"]) limiter.take(key);
    assert.equal(limiter.take("c"), 1);
    assert.equal(limiter.take("a"), 0);
  });

  test("never lets more through than burst plus rate times time", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.nat(3_000), { maxLength: 200 }),
        (perSecond, burst, pauses) => {
          const clock = createManualClock();
          const limiter = createRateLimiter({ perSecond, burst }, clock);
          let passed = 0;
          for (const pause of pauses) {
            clock.advance(pause);
            if (limiter.take("a") === 0) passed++;
          }
          assert.ok(passed <= burst + (perSecond * clock.monotonic()) / 1_000 + 1e-6);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("pace of a socket", () => {
  test("pauses above the rate and gives up on a flood that does not calm down", () => {
    const pace = createPace(10, 30_000);
    for (let i = 0; i < 20; i++) assert.equal(pace.count(0), 0, "a burst of twice the rate");
    assert.equal(pace.count(0), 100, "then one message every 100 ms");
    let nowMs = 0;
    let last = 0;
    while (nowMs <= 31_000 && last !== -1) {
      nowMs += 10;
      last = pace.count(nowMs);
    }
    assert.equal(last, -1);
    assert.ok(nowMs > 30_000, `${nowMs}`);
  });

  test("a calm moment forgets the flood", () => {
    const pace = createPace(10, 1_000);
    for (let i = 0; i < 25; i++) pace.count(0);
    for (let i = 0; i < 60; i++) pace.count(5_000);
    assert.ok(pace.count(6_000) > 0, "the new flood has its own time");
    assert.equal(pace.count(6_001), -1);
  });
});

describe("limits of calls", () => {
  const cases: readonly {
    readonly name: string;
    readonly limit: string;
    readonly call: (i: number) => string;
    /** A call that another bucket pays. */
    readonly other: string;
  }[] = [
    {
      name: "of one subject",
      limit: "callsPerSubject",
      call: () => request(["GET /calls/a HTTP/1.1", "Host: a", bearer("ada")]),
      other: request(["GET /calls/a HTTP/1.1", "Host: a", bearer("bob")]),
    },
    {
      name: "of an address without a token",
      limit: "callsPerAddress",
      call: () => request(["GET /calls/a HTTP/1.1", "Host: a"]),
      other: request(["GET /calls/a HTTP/1.1", "Host: a", bearer("ada")]),
    },
    {
      name: "of an address with tokens that are refused",
      limit: "callsPerAddress",
      call: (i) => request(["GET /calls/a HTTP/1.1", "Host: a", `Authorization: Bearer forged.${i}.token`]),
      other: request(["GET /calls/a HTTP/1.1", "Host: a", bearer("ada")]),
    },
    {
      name: "of log-ins from an address",
      limit: "loginsPerAddress",
      call: (i) => request(["POST /login HTTP/1.1", "Host: a", `X-Forwarded-For: 9.9.9.${i}`, bearer(`user-${i}`)]),
      other: request(["POST /refresh HTTP/1.1", "Host: a"]),
    },
    {
      name: "of refreshes from an address",
      limit: "refreshesPerAddress",
      call: () => request(["POST /refresh HTTP/1.1", "Host: a"]),
      other: request(["POST /login HTTP/1.1", "Host: a"]),
    },
  ];
  for (const { name, limit, call, other } of cases) {
    test(`${name}: the burst is served, one more is 429, others are served`, async (t) => {
      const origin = await startRawOrigin();
      const limits = { [limit]: { rate: "1/min", burst: 5 } };
      const fixture = await startProxy({ control: origin.url, limits });
      t.after(async () => {
        fixture.stop();
        await origin.stop();
      });
      for (let i = 0; i < 5; i++) assert.equal((await askOnce(fixture.port, call(i))).status, 200, `${i}`);
      const reply = await askOnce(fixture.port, call(5));
      assert.deepEqual([reply.status, reply.code], [429, "SY_RATE_LIMITED"]);
      const waitS = Number(reply.one("retry-after"));
      assert.ok(waitS > 0 && waitS <= 60, `${waitS}`);
      assert.equal(await fixture.refused("SY_RATE_LIMITED"), 1);
      assert.equal(origin.requests.length, 5, "nothing is sent");
      assert.equal((await askOnce(fixture.port, other)).status, 200);
    });
  }
});
