import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createManualClock } from "../kernel/index.ts";
import { type SocketProxy, type SocketProxyOptions, startSocketProxy } from "./session/testing/socketProxy.ts";
import { type HandshakeLines, text, WireClient } from "./session/testing/wire.ts";
import { startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { NOBODY, testConfig } from "./testing/proxyFixture.ts";
import { RawClient, request } from "./testing/rawClient.ts";
import { tokenFor } from "./testing/tokens.ts";
import { until } from "./testing/wait.ts";

let arm: WsArm;
before(async () => {
  arm = await startWsArm();
});
const started: SocketProxy[] = [];
after(async () => {
  for (const proxy of started) proxy.stop();
  await arm.stop();
});

async function start(options: Partial<SocketProxyOptions>): Promise<SocketProxy> {
  const proxy = await startSocketProxy({ control: arm.url, ...options });
  started.push(proxy);
  return proxy;
}
const open = (port: number, lines: HandshakeLines = {}): Promise<WireClient> => WireClient.open(port, "/ws/1", lines);

test("the limits of sockets are those of the table unless configured", () => {
  const { limits } = testConfig({ control: NOBODY, candidate: "http://127.0.0.1:9" });
  const MIB = 1024 * 1024;
  assert.deepEqual(
    {
      upgradeMs: limits.upgradeMs,
      perSubject: limits.socketsPerSubjectMax,
      perAddress: limits.socketsPerAddressMax,
      fromClient: limits.clientMessageBytesMax,
      fromArm: limits.armMessageBytesMax,
      fragments: limits.fragmentsMax,
      chunks: limits.chunksMax,
      pings: limits.pingsPerSecondMax,
      messages: limits.messagesPerSecond,
      floodMs: limits.floodMs,
      buffer: limits.socketBufferBytesMax,
      slowReaderMs: limits.slowReaderMs,
      pingIntervalMs: limits.pingIntervalMs,
      closeMs: limits.closeMs,
      spreadMs: limits.closeSpreadMs,
      closes: limits.closesPerSecond,
      early: limits.earlyBytesMax,
    },
    {
      upgradeMs: 5_000,
      perSubject: 20,
      perAddress: 2_000,
      fromClient: 16 * MIB,
      fromArm: 40 * MIB,
      fragments: 1_024,
      chunks: 16_384,
      pings: 10,
      messages: 50,
      floodMs: 30_000,
      buffer: MIB,
      slowReaderMs: 30_000,
      pingIntervalMs: 20_000,
      closeMs: 2_000,
      spreadMs: 10_000,
      closes: 100,
      early: 64 * 1024,
    },
  );
});

test("a subject has so many sockets and not one more; one that closes makes room", async () => {
  const proxy = await start({ limits: { socketsPerSubject: 3 } });
  const clients = await Promise.all([1, 2, 3].map(() => open(proxy.port)));
  assert.deepEqual(
    clients.map(({ reply }) => reply.status),
    [101, 101, 101],
  );
  const asked = arm.handshakes.length;
  const refused = await open(proxy.port);
  assert.deepEqual([refused.reply.status, refused.reply.code], [429, "SY_RATE_LIMITED"]);
  assert.match(refused.reply.one("retry-after") ?? "", /^\d+$/);
  assert.equal(arm.handshakes.length, asked, "the arm was not contacted");
  assert.equal(await proxy.count("refused", { reason: "SY_RATE_LIMITED" }), 1);
  const other = await open(proxy.port, { token: tokenFor("bob") });
  assert.equal(other.reply.status, 101, "another subject has its own");
  (clients[0] as WireClient).end();
  await until("the close is known", () => proxy.proxy.socketsOf("ada").length === 2);
  const again = await open(proxy.port);
  assert.equal(again.reply.status, 101);
  for (const client of [...clients, other, again, refused]) client.end();
});

test("a socket that is being opened counts, one that was refused does not", async () => {
  const proxy = await start({ limits: { socketsPerSubject: 2 } });
  arm.onHandshake = () => {};
  const at = arm.handshakes.length;
  const opening = [open(proxy.port), open(proxy.port)];
  await arm.handshake(at + 1);
  assert.equal((await open(proxy.port)).reply.status, 429);
  for (const one of arm.handshakes.slice(at)) one.refuse(403, "text/plain", "no");
  for (const client of await Promise.all(opening)) assert.equal(client.reply.status, 403);
  arm.onHandshake = (one) => one.accept();
  const clients = [await open(proxy.port), await open(proxy.port)];
  assert.deepEqual(
    clients.map(({ reply }) => reply.status),
    [101, 101],
  );
  for (const client of clients) client.end();
});

test("an address has so many sockets over all its subjects; behind a trusted proxy it is the client's own", async () => {
  const proxy = await start({
    limits: { socketsPerAddress: 2, socketsPerSubject: 2 },
    sections: { trustedProxies: ["127.0.0.1"] },
  });
  const from = (address: string, subject: string): Promise<WireClient> =>
    open(proxy.port, { token: tokenFor(subject), extra: [`X-Forwarded-For: ${address}`] });
  const clients = [await from("10.0.0.1", "a"), await from("10.0.0.1", "b")];
  const third = await from("10.0.0.1", "c");
  const elsewhere = await from("10.0.0.2", "c");
  const statuses = [...clients, third, elsewhere].map(({ reply }) => reply.status);
  assert.deepEqual(statuses, [101, 101, 429, 101]);
  for (const client of [...clients, third, elsewhere]) client.end();
});

test("short memory refuses new sockets with 503 and leaves open sockets and calls alone", async () => {
  const clock = createManualClock(Date.now());
  const warm = await open((await start({})).port); // so that what is loaded once is there already
  const rss = process.memoryUsage.rss();
  const proxy = await start({ clock, limits: { memory: `${Math.round(rss / 0.77)}B` } });
  const early = await open(proxy.port);
  assert.equal(early.reply.status, 101);
  clock.advance(1_000);
  const late = await open(proxy.port);
  assert.deepEqual([late.reply.status, late.reply.code, late.reply.one("retry-after")], [503, "SY_OVERLOADED", "5"]);
  early.send(text("still served"));
  await early.sees("the echo", () => early.messages.length === 1);
  const call = await RawClient.connect(proxy.port);
  call.send(request(["GET /calls/1 HTTP/1.1", "Host: a", `Authorization: Bearer ${tokenFor("ada")}`]));
  assert.equal((await call.reply()).status, 404, "the arm's own answer");
  for (const client of [warm, early, late, call]) client.end();
});

test("while it drains no socket is opened", async () => {
  const proxy = await start({ sections: { drain: { delay: "300ms", exchanges: "1s", sockets: "50ms" } } });
  const done = proxy.proxy.drain();
  const late = await open(proxy.port);
  assert.deepEqual([late.reply.status, late.reply.code], [503, "SY_DRAINING"]);
  assert.equal(late.reply.one("retry-after"), "1");
  late.end();
  await done;
});
