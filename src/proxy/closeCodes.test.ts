import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { startRawArm } from "./session/testing/rawArm.ts";
import { type SocketProxy, type SocketProxyOptions, startSocketProxy } from "./session/testing/socketProxy.ts";
import { closeFrame, frame, text, WireClient } from "./session/testing/wire.ts";
import { type ArmSocket, startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { tokenFor } from "./testing/tokens.ts";
import { within, until } from "./testing/wait.ts";

let arm: WsArm;
let proxy: SocketProxy;
before(async () => {
  arm = await startWsArm();
  proxy = await start({ limits: { socketsPerSubject: 1_000, close: "300ms" } });
});
const started: SocketProxy[] = [];
after(async () => {
  for (const one of started) one.stop();
  await arm.stop();
});

async function start(options: Partial<SocketProxyOptions> = {}): Promise<SocketProxy> {
  const one = await startSocketProxy({ control: arm.url, ...options });
  started.push(one);
  return one;
}

async function pair(path: string): Promise<{ client: WireClient; socket: ArmSocket }> {
  const at = arm.sockets.length;
  const client = await WireClient.open(proxy.port, path);
  assert.equal(client.reply.status, 101);
  return { client, socket: await arm.socket(at) };
}

/** What the client gets when its arm does this. */
async function clientSees(path: string, act: (socket: ArmSocket) => void): Promise<unknown> {
  const { client, socket } = await pair(path);
  act(socket);
  const close = await client.closed();
  client.end();
  return close;
}

const RETRY = { code: 1012, reason: "handoff:retry" };
const rawSocket = (socket: ArmSocket) => socket.handshake.socket;

test("a close that the codec calls intended reaches the client with the same code and reason", async () => {
  for (const [code, reason] of [
    [1000, "bye"],
    [1008, "policy"],
    [4000, ""],
    [4401, "token"],
    [4999, "é".repeat(60)],
  ] as const) {
    assert.deepEqual(await clientSees("/tiny/1", ({ ws }) => ws.close(code, reason)), { code, reason });
  }
});

test("without a codec the closes that mean the same behind a proxy pass", async () => {
  for (const code of [1000, 1003, 1007, 1008, 1009, 4000, 4403]) {
    assert.deepEqual(await clientSees("/ws/1", ({ ws }) => ws.close(code, "why")), { code, reason: "why" });
  }
});

test("a close without a code stays one without a code", async () => {
  for (const path of ["/ws/1", "/tiny/1"]) {
    assert.deepEqual(await clientSees(path, ({ ws }) => ws.close()), { code: null, reason: "" });
  }
});

test("a leg that was lost in any other way is 1012, never its own code", async () => {
  const losses: Record<string, (socket: ArmSocket) => void> = {
    "1001": ({ ws }) => ws.close(1001, "going away"),
    "1011": ({ ws }) => ws.close(1011, "internal"),
    "1012": ({ ws }) => ws.close(1012, "restart"),
    "1014": ({ ws }) => ws.close(1014, "bad gateway"),
    "1000 without a reason, by the codec": ({ ws }) => ws.close(1000),
    "a reset": (socket) => void (rawSocket(socket) as Socket).resetAndDestroy(),
    "an end without a close": (socket) => void rawSocket(socket).end(),
    "an unfinished frame, then the end": (socket) => void rawSocket(socket).end(Buffer.from([0x81, 0x05, 0x61])),
    "a masked frame": (socket) => void rawSocket(socket).write(text("masked")),
    "a reserved opcode": (socket) => void rawSocket(socket).write(frame({ opcode: 3, mask: null })),
    "bad UTF-8": (socket) =>
      void rawSocket(socket).write(frame({ opcode: 1, payload: Buffer.from([0xff]), mask: null })),
    "a reserved code": (socket) => void rawSocket(socket).write(closeFrame(1006, "", { mask: null })),
    garbage: (socket) => void rawSocket(socket).write("HTTP/1.1 200 OK\r\n\r\n"),
  };
  for (const [name, act] of Object.entries(losses)) {
    assert.deepEqual(await clientSees("/tiny/1", act), RETRY, name);
  }
});

test("frames of a client whose leg was lost are not sent anywhere, and its arm is not called again", async () => {
  const slow = await start({ limits: { closeSpread: "400ms" } });
  const at = arm.handshakes.length;
  const client = await WireClient.open(slow.port, "/ws/1");
  const socket = await arm.socket(arm.sockets.length - 1);
  socket.ws.terminate();
  await until("the loss is known", async () => (await slow.count("socketArmCloses")) === 1);
  client.send(text("to whom?"));
  assert.deepEqual(await client.closed(), RETRY);
  assert.equal(arm.handshakes.length, at + 1);
  client.end();
});

test("4401, 4403 and every other own code of the application pass: without moves there is no re-attach", async () => {
  for (const code of [4001, 4401, 4403]) {
    assert.deepEqual(await clientSees("/tiny/1", ({ ws }) => ws.close(code, "x")), { code, reason: "x" });
  }
});

test("a client that closes is passed on: the same code, none when there was none, 1001 when it vanished", async () => {
  const rows: [string, (client: WireClient) => void, { code: number; reason: string }][] = [
    ["1000", (client) => client.send(closeFrame(1000, "bye")), { code: 1000, reason: "bye" }],
    [
      "a reason of 123 bytes",
      (client) => client.send(closeFrame(4000, "€".repeat(41))),
      { code: 4000, reason: "€".repeat(41) },
    ],
    ["1001", (client) => client.send(closeFrame(1001, "tab")), { code: 1001, reason: "tab" }],
    ["1012", (client) => client.send(closeFrame(1012)), { code: 1012, reason: "" }],
    ["4001", (client) => client.send(closeFrame(4001, "own")), { code: 4001, reason: "own" }],
    ["no code", (client) => client.send(closeFrame(null)), { code: 1005, reason: "" }],
    ["an end", (client) => void client.raw.socket.end(), { code: 1001, reason: "" }],
    ["a reset", (client) => void client.raw.socket.resetAndDestroy(), { code: 1001, reason: "" }],
    ["a broken frame", (client) => client.send(frame({ opcode: 3 })), { code: 1001, reason: "" }],
  ];
  for (const [name, act, expected] of rows) {
    const { client, socket } = await pair("/ws/1");
    act(client);
    await until(`the arm is told of ${name}`, () => socket.close !== null);
    assert.deepEqual(socket.close, expected, name);
    client.end();
  }
});

test("a leg whose arm does not answer the close is destroyed after the close time, never left half open", async () => {
  const silent = await startRawArm();
  const own = await start({ control: silent.url, limits: { close: "300ms" } });
  const client = await WireClient.open(own.port, "/ws/1");
  const leg = silent.sockets[0] as Socket;
  const begin = performance.now();
  client.send(closeFrame(1000));
  await until("the leg is gone", () => leg.destroyed);
  const took = performance.now() - begin;
  assert.ok(took > 250 && took < 1_500, `after ${took} ms`);
  client.end();
  await silent.stop();
});

test("a client that does not answer the close is cut after the close time", async () => {
  const { client, socket } = await pair("/ws/1");
  const begin = performance.now();
  socket.ws.close(4000, "go");
  await client.sees("the close", () => client.close?.code === 4000);
  await until("the connection is cut", () => client.raw.isClosed);
  const took = performance.now() - begin;
  assert.ok(took > 250 && took < 1_500, `after ${took} ms`);
});

test("frames of the arm before its close arrive before the close", async () => {
  const { client, socket } = await pair("/ws/1");
  for (let i = 0; i < 100; i++) socket.ws.send(String(i));
  socket.ws.close(1000, "done");
  assert.deepEqual(await client.closed(), { code: 1000, reason: "done" });
  assert.deepEqual(
    client.messages.map(({ payload }) => payload.toString()),
    Array.from({ length: 100 }, (_, i) => String(i)),
  );
  client.end();
});

test("lost legs are spread: uniform over the configured time, one moment for all sockets of a subject", async () => {
  const spreadMs = 800;
  const own = await start({
    limits: { closeSpread: `${spreadMs}ms`, closes: "100000/s" },
    routes: [{ match: "WS /ws/:id" }],
  });
  const subjects = Array.from({ length: 48 }, (_, i) => `subject-${i}`);
  const clients = await Promise.all(
    subjects.flatMap((subject) =>
      [1, 2].map(async (n) => ({
        subject,
        client: await WireClient.open(own.port, `/ws/${n}`, { token: tokenFor(subject) }),
      })),
    ),
  );
  const begin = performance.now();
  for (const { ws } of arm.sockets) ws.terminate();
  const times = new Map<string, number[]>();
  await Promise.all(
    clients.map(async ({ subject, client }) => {
      assert.deepEqual(await client.closed(), RETRY);
      times.set(subject, [...(times.get(subject) ?? []), performance.now() - begin]);
      client.end();
    }),
  );
  const firsts = [...times.values()].map(([a = 0, b = 0]) => {
    assert.ok(Math.abs(a - b) < 120, `both sockets of a subject at ${a} and ${b}`);
    return a;
  });
  // A busy machine tells of all of them late.
  const late = Math.min(...firsts);
  for (let quarter = 0; quarter < 4; quarter++) {
    const inside = firsts.filter((ms) => {
      const at = ms - late;
      return at >= (quarter * spreadMs) / 4 - 60 && at < ((quarter + 1) * spreadMs) / 4 + 60;
    });
    assert.ok(inside.length >= 1 && inside.length <= 32, `quarter ${quarter}: ${inside.length} of 48`);
  }
});

test("our shutdown closes 1012, spread, and tells the arms that the clients went away", async () => {
  const own = await start({ sections: { drain: { delay: "0ms", exchanges: "1s", sockets: "300ms" } } });
  const at = arm.sockets.length;
  const clients = await Promise.all(Array.from({ length: 10 }, () => WireClient.open(own.port, "/ws/1")));
  const done = own.proxy.drain();
  const begin = performance.now();
  const times = await Promise.all(
    clients.map(async (client) => {
      assert.deepEqual(await client.closed(), RETRY);
      client.end();
      return performance.now() - begin;
    }),
  );
  await within("the drain", done);
  assert.ok(Math.max(...times) - Math.min(...times) > 30, "not all at once");
  assert.ok(Math.max(...times) < 1_500);
  for (const socket of arm.sockets.slice(at)) {
    await until("the arm is told", () => socket.close !== null);
    assert.deepEqual(socket.close, { code: 1001, reason: "" });
  }
});

test("a socket whose handshake is under way when the drain begins is closed 1012 like the others", async () => {
  const own = await start({ sections: { drain: { delay: "200ms", exchanges: "1s", sockets: "200ms" } } });
  const first = await WireClient.open(own.port, "/ws/1"); // keeps the drain open
  let accept = (): void => {};
  arm.onHandshake = (one) => {
    accept = one.accept;
  };
  const at = arm.handshakes.length;
  const late = WireClient.open(own.port, "/ws/2");
  await arm.handshake(at);
  const done = own.proxy.drain();
  accept();
  const client = await late;
  for (const one of [client, first]) {
    assert.deepEqual(await one.closed(), RETRY);
    one.end();
  }
  await within("the drain", done);
  arm.onHandshake = (one) => one.accept();
});

test("stopping cuts every socket at once", async () => {
  const own = await start();
  const at = arm.sockets.length;
  const client = await WireClient.open(own.port, "/ws/1");
  const socket = await arm.socket(at);
  own.stop();
  await until("both sides are cut", () => client.raw.isClosed && socket.close !== null);
});
