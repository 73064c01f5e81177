// The served side under 100 % mirroring, byte by byte (shadow I2, §17 row 2).
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { createIssuer, TEST_SECRET } from "../../support/index.ts";
import { differingCalls, reasonsOf, settledBooks, startWorld } from "./world.ts";
import { createCaller, exchangeFrames, Tally } from "./transfers.ts";

export interface IntegrityOptions {
  readonly calls: number;
  readonly clients: number;
  /** Each a socket of so many turns, one after the other. */
  readonly sockets: number;
  readonly turns: number;
}

const SOCKETS_AT_ONCE = 10;
const SMALL_FRAME = 16_384;
const LARGE_FRAME = 1_048_576;
/** Every so many sockets send frames that a conversation's queue cannot hold: given up whole, and served as ever (shadow C4). */
const LARGE_EVERY = 5;

/** Of `count` pieces of work, `atOnce` side by side. */
async function inLanes(count: number, atOnce: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await work(at);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

export async function nothingIsAltered(t: TestContext, options: IntegrityOptions): Promise<void> {
  const { proxy } = await startWorld(t, { tap: "2MiB" });
  const tally = new Tally();
  const issuer = createIssuer(TEST_SECRET);
  const token = (name: string): string => issuer.token(name, `${name}@example.test`);
  const { calls, clients, sockets, turns } = options;
  const callers = Array.from({ length: clients }, (_, at) =>
    createCaller(proxy.baseUrl, token(`caller-${at}`), at + 1),
  );
  const perCaller = Math.ceil(calls / clients);
  const startedMs = performance.now();
  await Promise.all([
    ...callers.map(async (caller) => {
      for (let at = 0; at < perCaller; at++) await caller.transfer(tally);
      caller.close();
    }),
    inLanes(sockets, SOCKETS_AT_ONCE, (at) => {
      const most = at % LARGE_EVERY === 0 ? LARGE_FRAME : SMALL_FRAME;
      const own = { baseUrl: proxy.baseUrl, token: token(`socket-${at}`), seed: 10_000 + at, turns, most };
      return exchangeFrames(own, tally);
    }),
  ]);
  const tookS = (performance.now() - startedMs) / 1_000;
  const books = await settledBooks(proxy);
  const { bodies, frames, bytes, altered, failed, why } = tally;
  t.diagnostic(`${bodies} bodies and ${frames} frames, ${Math.round(bytes / 1e6)} MB in ${Math.round(tookS)} s`);
  t.diagnostic(`${JSON.stringify(books)}; not compared: ${reasonsOf(await proxy.metrics())}`);
  assert.deepEqual({ altered, failed, why }, { altered: 0, failed: 0, why: [] });
  assert.ok(bodies >= calls && frames === sockets * turns * 3, `${bodies} bodies, ${frames} frames`);
  assert.deepEqual([books.gap, books.offered, books.unsafe], [0, books.sampled, 0]);
  // The target is the same program: what differs there was altered on its way.
  assert.deepEqual(differingCalls(await proxy.metrics()), []);
  assert.ok(books.compared > 0 && books.conversations > 0, JSON.stringify(books));
}
