// Mutations over sockets that are cut again and again (embedded-convex.md §3.10, §9 goal 8).
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { ConvexClient } from "convex/browser";
import { mutationOf, type Probes, Watched } from "./contractProbes.ts";
import { startTcpRelay, type TcpRelay } from "./tcpRelay.ts";

/** Few enough that a cut hits requests in all states, and enough that several wait. */
const IN_FLIGHT = 10;

export interface CutOptions {
  readonly clients: number;
  readonly mutationsEach: number;
  readonly cutsMax: number;
}

/**
 * Each client counts up its own counter through the relay. A mutation that is lost, done twice or answered with another
 * one's outcome shows in the counts that come back.
 */
export async function countThroughCuts(probes: Probes, t: TestContext, options: CutOptions): Promise<TcpRelay> {
  const { clients, mutationsEach, cutsMax } = options;
  const relay = await startTcpRelay(new URL(probes.url), cutsMax, probes.random);
  t.after(() => relay.close());
  await Promise.all(Array.from({ length: clients }, () => countUp(probes, t, relay, mutationsEach)));
  return relay;
}

async function countUp(probes: Probes, t: TestContext, relay: TcpRelay, mutations: number): Promise<void> {
  const run = probes.newRun();
  const client = probes.connect(t, { webSocketConstructor: relay.webSocketConstructor });
  reconnectAtOnce(client);
  const watched = new Watched(client, "counted", { run });
  const expected = Array.from({ length: mutations }, (_, at) => at + 1);
  const counts: number[] = [];
  while (counts.length < mutations) {
    const size = Math.min(IN_FLIGHT, mutations - counts.length);
    counts.push(...(await Promise.all(Array.from({ length: size }, () => increment(client, watched, run)))));
  }
  assert.deepEqual(counts, expected);
  assert.equal(await watched.until(({ last }) => last === mutations), mutations);
  assert.equal(await probes.query("counted", { run }), mutations);
}

async function increment(client: ConvexClient, watched: Watched, run: string): Promise<number> {
  const count: number = await client.mutation(mutationOf("increment"), { run, by: 1 });
  assert.ok(watched.last >= count, `the mutation resolved with ${count} while its client still shows ${watched.last}`);
  return count;
}

/** As when a browser says that the network is back: else the client's pauses would be all that is measured. */
function reconnectAtOnce(client: ConvexClient): void {
  const { webSocketManager } = client.client as unknown as { webSocketManager: { tryReconnectImmediately(): void } };
  client.subscribeToConnectionState(({ isWebSocketConnected }) => {
    if (!isWebSocketConnected) webSocketManager.tryReconnectImmediately();
  });
}
