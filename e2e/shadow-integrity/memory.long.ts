// Memory of a proxy whose shadow has it bad, against one whose target is healthy, under the same load (shadow I4–I7, §17 row 3).
import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { before, test, type TestContext } from "node:test";
import { createIssuer, stopAll, TEST_SECRET } from "../support/index.ts";
import type { Service } from "../support/process.ts";
import { bytesOf } from "./support/bytes.ts";
import { runLoad } from "./support/pacedLoad.ts";
import { slopePerMinute, watchRss } from "./support/rss.ts";
import {
  reasonsOf,
  settledBooks,
  type ShadowProxy,
  startOrigin,
  startOriginProxy,
  startToxic,
} from "./support/world.ts";

const SECONDS = 180;
/** Until the heaps have found their size: the committed ones of three threads grow for some five minutes, at 150 MiB alive in all. */
const LEAD_IN_SECONDS = 300;
const LOAD = { seconds: SECONDS, callsPerSecond: 150, socketLanes: 6 };
const ABOVE_MIB_MAX = 64;
/** Of the second half; what the collector does in between is not seen as growth. */
const SLOPE_MIB_PER_MINUTE_MAX = 4;
const GIB = 1024 ** 3;
const AT_ONCE = 4;
const LARGE = { SWITCHYARD__LIMITS__UPLOAD_BODY_SIZE: "1GiB", SWITCHYARD__LIMITS__UPLOAD_BODY_TIME: "3600s" };

interface Memory {
  readonly peakMiB: number;
  readonly slope: number;
}

async function remember<Result>(
  t: TestContext,
  target: Service | string,
  work: (proxy: ShadowProxy) => Promise<Result>,
): Promise<Result> {
  const started = await Promise.all(["control", "candidate"].map((name) => startOrigin(name)));
  const [control, candidate] = started as [Service, Service];
  const arms = { control: control.baseUrl, candidate: candidate.baseUrl };
  const targetUrl = typeof target === "string" ? target : target.baseUrl;
  const proxy = await startOriginProxy({ arms, target: targetUrl, env: LARGE });
  t.after(() => stopAll([proxy, ...started, ...(typeof target === "string" ? [] : [target])]));
  await runLoad({ baseUrl: proxy.baseUrl, ...LOAD, seconds: LEAD_IN_SECONDS });
  const result = await work(proxy);
  const books = await settledBooks(proxy);
  t.diagnostic(`${JSON.stringify(books)}; ${reasonsOf(await proxy.metrics())}`);
  assert.equal(books.gap, 0);
  assert.equal(proxy.events("shadow.thread.died"), 0);
  return result;
}

async function usual(proxy: ShadowProxy): Promise<Memory> {
  const memory = watchRss(proxy.pid, 250);
  const { tally } = await runLoad({ baseUrl: proxy.baseUrl, ...LOAD });
  const peakMiB = memory.stop();
  assert.deepEqual([tally.altered, tally.failed, tally.why], [0, 0, []]);
  return { peakMiB, slope: slopePerMinute(memory.seen.slice(memory.seen.length >> 1)) };
}

let healthy: Memory = { peakMiB: 0, slope: 0 };

before(async () => {
  // Its own `t.after` comes too late for a baseline: everything is stopped here.
  const ends: (() => Promise<void>)[] = [];
  const context = { after: (end: () => Promise<void>) => void ends.push(end), diagnostic: () => undefined };
  healthy = await remember(context as unknown as TestContext, await startOrigin("target"), usual);
  for (const end of ends) await end();
});

const told = ({ peakMiB, slope }: Memory): string =>
  `peak ${Math.round(peakMiB)} MiB, ${slope.toFixed(2)} MiB a minute`;

function isBounded(t: TestContext, memory: Memory): void {
  t.diagnostic(`${told(memory)}; healthy: ${told(healthy)}`);
  const { peakMiB, slope } = memory;
  assert.ok(peakMiB <= healthy.peakMiB + ABOVE_MIB_MAX, `${peakMiB} MiB, healthy ${healthy.peakMiB} MiB`);
  assert.ok(slope <= SLOPE_MIB_PER_MINUTE_MAX, `${slope} MiB a minute`);
}

for (const toxic of ["endless-body", "endless-headers", "black-hole"] as const) {
  test(`a target that is ${toxic}: memory is bounded and does not grow`, async (t) => {
    isBounded(t, await remember(t, await startToxic(toxic), usual));
  });
}

test("a target that is dead: memory is bounded and does not grow", async (t) => {
  const target = await startOrigin("target");
  await target.stop();
  isBounded(t, await remember(t, target.baseUrl, usual));
});

const PIECE = bytesOf(9, 64 * 1024);

async function upload(proxy: ShadowProxy, token: string, place: string): Promise<void> {
  const outgoing = request(`${proxy.baseUrl}${place}/bytes?size=10&seed=1`, {
    method: "POST",
    agent: false,
    headers: { authorization: `Bearer ${token}`, "content-length": GIB, "content-type": "application/octet-stream" },
  });
  const answered = once(outgoing, "response");
  for (let left = GIB; left > 0; left -= PIECE.length) if (!outgoing.write(PIECE)) await once(outgoing, "drain");
  outgoing.end();
  const [incoming] = (await answered) as [IncomingMessage];
  incoming.resume();
  await once(incoming, "end");
  assert.equal(incoming.statusCode, 200);
}

async function download(proxy: ShadowProxy, token: string, place: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${proxy.baseUrl}${place}/large?size=${GIB}`, { headers });
  assert.equal(reply.status, 200);
  let bytes = 0;
  for await (const chunk of reply.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length;
  assert.equal(bytes, GIB);
}

/** Times; the second half must need no more than the first. */
const PASSES = 4;
const GROWTH_MIB_MAX = 16;

for (const [name, transfer] of [
  ["uploads", upload],
  ["answers", download],
] as const) {
  test(`${name} of 1 GiB, ${AT_ONCE} at once: mirrored ones need no more memory than others, and it does not grow`, async (t) => {
    const issuer = createIssuer(TEST_SECRET);
    const tokens = Array.from({ length: AT_ONCE }, (_, at) => issuer.token(`large-${at}`, "large@example.test"));
    const peaksOf = async (proxy: ShadowProxy, place: string): Promise<readonly number[]> => {
      const peaks: number[] = [];
      for (let pass = 0; pass < PASSES; pass++) {
        const memory = watchRss(proxy.pid, 100);
        await Promise.all(tokens.map((token) => transfer(proxy, token, place)));
        peaks.push(memory.stop());
      }
      return peaks;
    };
    // The same load, shadow on, healthy target: only that these are not mirrored.
    const work = async (proxy: ShadowProxy) => [await peaksOf(proxy, "/unmirrored"), await peaksOf(proxy, "")] as const;
    const [usually, mirrored] = await remember(t, await startOrigin("target"), work);
    t.diagnostic(
      `peaks ${mirrored.map(Math.round).join(" ")} MiB, not mirrored ${usually.map(Math.round).join(" ")} MiB`,
    );
    const [most, before] = [Math.max(...mirrored), Math.max(...usually)];
    assert.ok(most <= before + ABOVE_MIB_MAX, `${most} MiB, not mirrored ${before} MiB`);
    const half = PASSES / 2;
    const [early, late] = [Math.max(...mirrored.slice(0, half)), Math.max(...mirrored.slice(half))];
    assert.ok(late <= early + GROWTH_MIB_MAX, `${late} MiB, before ${early} MiB`);
  });
}
