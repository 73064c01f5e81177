// Whatever a shadow target does, what is served stays as it is (shadow I1–I9, §17 row 1).
import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { createIssuer, eventually, stopAll, TEST_SECRET } from "../support/index.ts";
import type { Service } from "../support/process.ts";
import { type LoadResult, runLoad } from "../shadow-integrity/support/pacedLoad.ts";
import { exchangeFrames, Tally } from "../shadow-integrity/support/transfers.ts";
import { watchRss } from "../shadow-integrity/support/rss.ts";
import {
  type Books,
  differencesOf,
  differingCalls,
  reasonsOf,
  settledBooks,
  type ShadowProxy,
  startOrigin,
  startOriginProxy,
  startToxic,
  type Toxic,
} from "../shadow-integrity/support/world.ts";

const LOAD = { seconds: 3, callsPerSecond: 100, socketLanes: 4 };
/** shadow §17, row 3, and as much again: so short a load has no steady state. */
const RSS_MIB_MAX = 64 + 64;

let arms: { readonly control: string; readonly candidate: string };
const services: Service[] = [];
let off: ShadowProxy;
let healthyMiB = 0;

interface Served extends LoadResult {
  readonly peakMiB: number;
  /** Of calls through a proxy without a shadow, in the very same seconds: what the machine does falls on both. */
  readonly offP99Ms: number;
}

async function serve(proxy: ShadowProxy): Promise<Served> {
  const memory = watchRss(proxy.pid);
  const [result, beside] = await Promise.all([
    runLoad({ baseUrl: proxy.baseUrl, ...LOAD }),
    runLoad({ baseUrl: off.baseUrl, ...LOAD, callsPerSecond: LOAD.callsPerSecond / 2, socketLanes: 0 }),
  ]);
  return { ...result, peakMiB: memory.stop(), offP99Ms: beside.p99Ms };
}

before(async () => {
  const started = await Promise.all(["control", "candidate"].map((name) => startOrigin(name)));
  services.push(...started);
  const [control, candidate] = started as [Service, Service];
  arms = { control: control.baseUrl, candidate: candidate.baseUrl };
  off = await startOriginProxy({ arms, target: null });
  services.unshift(off);
  await runLoad({ baseUrl: off.baseUrl, ...LOAD, seconds: 1 });
});
after(() => stopAll(services));

async function mirrored(t: TestContext, target: Service): Promise<ShadowProxy> {
  const proxy = await startOriginProxy({ arms, target: target.baseUrl });
  t.after(() => stopAll([proxy, target]));
  return proxy;
}

function isServedWell({ tally, calls, sockets }: LoadResult): void {
  assert.deepEqual(
    { failed: tally.failed, altered: tally.altered, why: tally.why },
    { failed: 0, altered: 0, why: [] },
  );
  assert.ok(calls >= LOAD.seconds * LOAD.callsPerSecond * 0.9 && sockets > 0, `${calls} calls, ${sockets} sockets`);
}

function booksAreEven(books: Books): void {
  assert.equal(books.gap, 0, "accounting gap");
  assert.deepEqual([books.offered, books.unsafe], [books.sampled, 0]);
  assert.deepEqual([books.open, books.tapBytes, books.inFlight], [0, 0, 0]);
}

test("a healthy target: every answer is right, nothing differs, and everything is given back", async (t) => {
  const proxy = await mirrored(t, await startOrigin("target"));
  const served = await serve(proxy);
  isServedWell(served);
  healthyMiB = served.peakMiB;
  const books = await settledBooks(proxy);
  const text = await proxy.metrics();
  t.diagnostic(
    `p99 ${served.p99Ms.toFixed(1)} ms, off ${served.offP99Ms.toFixed(1)} ms, ${Math.round(served.peakMiB)} MiB, ${JSON.stringify(books)}, ${reasonsOf(text)}`,
  );
  booksAreEven(books);
  assert.deepEqual(differingCalls(text), []);
  assert.ok(books.compared > 0 && books.conversations > 0);
  assert.equal(proxy.events("shadow.circuit.open"), 0);
});

test("clients that leave with their last answer: a target that takes 100 ms longer over it lacks nothing", async (t) => {
  const proxy = await mirrored(t, await startOrigin("target", 100));
  const tally = new Tally();
  const issuer = createIssuer(TEST_SECRET);
  for (let at = 0; at < 5; at++) {
    const token = issuer.token(`leaver-${at}`, "leaver@example.test");
    await exchangeFrames({ baseUrl: proxy.baseUrl, token, seed: at, turns: 2, most: 1_024 }, tally);
  }
  assert.deepEqual(tally.why, []);
  // The copies close a moment behind the clients.
  await eventually(async () => {
    const books = await settledBooks(proxy);
    assert.deepEqual([books.gap, books.conversations], [0, 5]);
  }, 15_000);
  const text = await proxy.metrics();
  // Nobody left before his answer, so no turn is cut off either.
  assert.deepEqual([differencesOf(text), reasonsOf(text)], [[], "none"]);
});

test("a client that asks on at once: a target that takes 300 ms longer each time says the same", async (t) => {
  const proxy = await mirrored(t, await startOrigin("target", 300));
  const tally = new Tally();
  const token = createIssuer(TEST_SECRET).token("chatty", "chatty@example.test");
  await exchangeFrames({ baseUrl: proxy.baseUrl, token, seed: 7, turns: 12, most: 1_024 }, tally);
  await eventually(async () => {
    const books = await settledBooks(proxy);
    assert.deepEqual([books.gap, books.conversations], [0, 1]);
  }, 15_000);
  const text = await proxy.metrics();
  assert.deepEqual([tally.why, differencesOf(text), reasonsOf(text)], [[], [], "none"]);
});

/** All of them, with their times in alternating rounds: isolation.long.ts. */
const HERE: readonly Toxic[] = [
  "black-hole",
  "byte-a-second",
  "reset-on-accept",
  "reset-at-first-byte",
  "endless-body",
  "endless-headers",
];

for (const toxic of HERE) {
  test(`a target that is ${toxic}: no served call knows of it, and everything is given back`, async (t) => {
    const proxy = await mirrored(t, await startToxic(toxic));
    const served = await serve(proxy);
    isServedWell(served);
    const books = await settledBooks(proxy);
    t.diagnostic(
      `p99 ${served.p99Ms.toFixed(1)} ms, off ${served.offP99Ms.toFixed(1)} ms, ${Math.round(served.peakMiB)} MiB, ${JSON.stringify(books)}, ${reasonsOf(await proxy.metrics())}`,
    );
    booksAreEven(books);
    await eventually(() => assert.equal(proxy.events("shadow.circuit.open"), 1));
    assert.equal(proxy.events("shadow.thread.died"), 0);
    assert.ok(served.peakMiB <= healthyMiB + RSS_MIB_MAX, `${served.peakMiB} MiB, with a healthy target ${healthyMiB}`);
  });
}
