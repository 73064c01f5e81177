import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { createSwitchboard } from "../faults/switchboard.ts";
import { createLog } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { type Channel, createChannel } from "./channel.ts";

/** One accepted socket and its client. */
async function pair(options: { pingMs?: number; autoPong?: boolean } = {}) {
  const metrics = createMetrics("test");
  metrics.stop();
  const faults = createSwitchboard({ initial: "", seed: "0", metrics, log: createLog() });
  const http = createServer();
  const server = new WebSocketServer({ noServer: true });
  const accepted = Promise.withResolvers<Channel>();
  http.on("upgrade", (request, socket, head) => {
    server.handleUpgrade(request, socket, head, (ws) => {
      const identity = { surface: "tutor" as const, at: { place: "tutor" as const }, requestId: "r" };
      const pingMs = options.pingMs === undefined ? {} : { pingMs: options.pingMs };
      accepted.resolve(createChannel(ws, socket as Socket, identity, { faults, metrics, ...pingMs }));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, {
    autoPong: options.autoPong ?? true,
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    client.on("close", (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  const end = (): void => {
    client.terminate();
    http.close();
    http.closeAllConnections();
  };
  return { channel: await accepted.promise, client, closed, end, metrics };
}

test("a socket that takes too little is closed 1013 at a thousand waiting frames", async () => {
  const { channel, closed, end } = await pair();
  // All in one turn of the event loop: nothing can be flushed in between.
  for (let i = 0; i < 1_001; i += 1) channel.sendText("{}", "x");
  assert.deepEqual(await closed, { code: 1_013, reason: "Slow consumer" });
  end();
});

test("sixteen mebibytes waiting close it too, whatever the number of frames", async () => {
  const { channel, closed, end } = await pair();
  for (let i = 0; i < 17; i += 1) channel.sendBytes(new Uint8Array(1_048_576));
  assert.equal((await closed).code, 1_013);
  end();
});

test("a socket without pongs is closed 1011, one with pongs stays open", async () => {
  const mute = await pair({ pingMs: 20, autoPong: false });
  assert.deepEqual(await mute.closed, { code: 1_011, reason: "keepalive ping timeout" });
  mute.end();
  const well = await pair({ pingMs: 250 });
  const pinged = Promise.withResolvers<void>();
  let pings = 0;
  well.client.on("ping", () => {
    pings += 1;
    if (pings === 3) pinged.resolve();
  });
  await pinged.promise;
  assert.equal(well.client.readyState, WebSocket.OPEN);
  well.end();
});
