import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createManualClock } from "../kernel/index.ts";
import { type SocketProxy, type SocketProxyOptions, startSocketProxy } from "./session/testing/socketProxy.ts";
import { BINARY, CONTINUATION, frame, PING, PONG, TEXT, text, WireClient } from "./session/testing/wire.ts";
import { startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { until } from "./testing/wait.ts";

const MIB = 1024 * 1024;

async function start(
  t: TestContext,
  options: Omit<SocketProxyOptions, "control"> = {},
): Promise<{ arm: WsArm; proxy: SocketProxy }> {
  const arm = await startWsArm();
  const proxy = await startSocketProxy({ control: arm.url, ...options });
  t.after(async () => {
    proxy.stop();
    await arm.stop();
  });
  return { arm, proxy };
}

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;
/** Bytes of buffers and heap that are in use after a collection. */
async function memory(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await turn();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test("an oversized message closes 1009", async (t) => {
  const { arm, proxy } = await start(t, {
    limits: { armMessageSize: "64KiB", clientMessageSize: "32KiB" },
    routes: [
      { match: "WS /ws/:id", messages: "10000/s" },
      { match: "WS /small/:id", messages: "10000/s", messageMax: "1KiB" },
    ],
  });
  await t.test(
    "from a client: the limit passes, one more does not, and a length that is only said is enough",
    async () => {
      for (const [path, max] of [
        ["/small/1", 1024],
        ["/ws/1", 32 * 1024],
      ] as const) {
        const client = await WireClient.open(proxy.port, path);
        client.send(frame({ opcode: BINARY, payload: Buffer.alloc(max) }));
        await client.sees("the echo of the largest message", () => client.messages.length === 1);
        client.send(frame({ opcode: BINARY, saidLength: BigInt(max + 1), lengthBits: 64 }));
        assert.deepEqual(await client.closed(), { code: 1009, reason: "" });
        client.end();
      }
      await until("both are counted under the code the clients got", async () => {
        return (await proxy.count("socketCloses", { code: "1009" })) === 2;
      });
    },
  );
  await t.test("from an arm: both sides are told 1009, and no retry is asked for", async () => {
    const at = arm.sockets.length;
    const client = await WireClient.open(proxy.port, "/ws/2");
    const socket = await arm.socket(at);
    socket.ws.send(Buffer.alloc(64 * 1024));
    await client.sees("the largest message", () => client.messages.length === 1);
    socket.ws.send(Buffer.alloc(64 * 1024 + 1));
    assert.equal((await client.closed())?.code, 1009);
    await until("the arm got its close", () => socket.close?.code === 1009);
    client.end();
  });
});

test("fragment bombs close 1008, memory flat", async (t) => {
  const { arm, proxy } = await start(t, { limits: { chunks: 64 } });
  const begin = frame({ opcode: TEXT, isFinal: false, payload: "a" });
  const more = Buffer.concat(Array.from({ length: 200_000 }, () => frame({ opcode: CONTINUATION, isFinal: false })));
  const baseline = await memory();
  for (let i = 0; i < 20; i++) {
    const client = await WireClient.open(proxy.port, "/ws/1");
    client.send(begin, more);
    assert.equal((await client.closed())?.code, 1008, "empty pieces count");
    client.end();
  }
  // Many small reads of one message: the pieces lie in memory until it is whole.
  const dripper = await WireClient.open(proxy.port, "/ws/1");
  dripper.send(frame({ opcode: BINARY, payload: "", lengthBits: 64, saidLength: 1_000_000n }));
  for (let i = 0; i < 2_000 && dripper.close === null && !dripper.raw.isClosed; i++) {
    dripper.send(Buffer.alloc(100));
    await pause(1);
  }
  assert.equal(dripper.close?.code, 1008);
  dripper.end();
  await until("no leg is left", () => arm.openLegs === 0);
  assert.ok((await memory()) - baseline < 8 * MIB, "nothing of them stays");
  assert.equal(
    arm.sockets.reduce((sum, { messages }) => sum + messages.length, 0),
    0,
    "the arm saw none of it",
  );
});

test("floods are slowed, then closed", async (t) => {
  const { arm, proxy } = await start(t, { limits: { flood: "500ms", pings: "10/s" } });
  await t.test("a burst passes, what is above waits, and calm makes it good", async () => {
    const at = arm.sockets.length;
    const client = await WireClient.open(proxy.port, "/paced/1");
    const socket = await arm.socket(at);
    const begin = performance.now();
    client.send(...Array.from({ length: 110 }, (_, i) => text(String(i))));
    await until("the burst", () => socket.messages.length === 110);
    client.send(text("after"));
    await until("the next one, later", () => socket.messages.length === 111);
    assert.ok(performance.now() - begin >= 150, "ten above the burst at 50 a second are 200 ms");
    assert.equal(client.close, null);
    assert.ok((await proxy.count("socketPauses", { reason: "pace" })) >= 1);
    client.end();
  });
  await t.test("one that does not stop is closed 1008", async () => {
    const client = await WireClient.open(proxy.port, "/paced/2");
    const flood = Buffer.concat(Array.from({ length: 20 }, () => text("again")));
    const begin = performance.now();
    while (client.close === null && !client.raw.isClosed && performance.now() - begin < 8_000) {
      client.send(flood);
      await pause(10);
    }
    assert.deepEqual(client.close, { code: 1008, reason: "rate" });
    assert.ok(performance.now() - begin >= 450, "not before its time");
    client.end();
  });
  await t.test("so is one that sends it all in one piece", async () => {
    const client = await WireClient.open(proxy.port, "/paced/3");
    client.send(...Array.from({ length: 2_000 }, () => text("x")));
    assert.deepEqual(await client.closed(), { code: 1008, reason: "rate" });
    client.end();
  });
  await t.test("and one that floods with pings or pongs", async () => {
    for (const opcode of [PING, PONG]) {
      const client = await WireClient.open(proxy.port, "/ws/4");
      client.send(...Array.from({ length: 500 }, () => frame({ opcode, payload: "p" })));
      assert.deepEqual(await client.closed(), { code: 1008, reason: "rate" });
      client.end();
    }
  });
  await t.test("a short wait for a ping never shortens a long wait for messages", async () => {
    const at = arm.sockets.length;
    const client = await WireClient.open(proxy.port, "/paced/5");
    const socket = await arm.socket(at);
    const begin = performance.now();
    const pings = Array.from({ length: 21 }, () => frame({ opcode: PING }));
    client.send(...Array.from({ length: 120 }, () => text("x")), ...pings);
    await until("the burst", () => socket.messages.length === 120);
    client.send(text("after"));
    await until("the next one", () => socket.messages.length === 121);
    assert.ok(performance.now() - begin >= 350, "twenty above the burst are 400 ms");
    client.end();
  });
});

const PIECE = Buffer.alloc(128 * 1024, 0x5a);
const PIECES = 256; // 32 MiB, more than all kernel buffers of a connection hold

test("a slow reader costs 1 MiB", async (t) => {
  await t.test("a client that does not read makes its arm wait, and gets everything once it reads", async () => {
    const { arm, proxy } = await start(t);
    const client = await WireClient.open(proxy.port, "/ws/1");
    const { ws } = await arm.socket(0);
    client.raw.socket.pause();
    const baseline = await memory();
    for (let i = 0; i < PIECES; i++) ws.send(PIECE);
    await until("reading from the arm pauses", async () => (await proxy.count("socketPauses", { reason: "slow" })) > 0);
    let waiting = Number.NaN;
    await until("nothing moves any more", async () => {
      const before = waiting;
      waiting = ws.bufferedAmount;
      await pause(50);
      return waiting === before && waiting > 0;
    });
    assert.ok((await memory()) - baseline < 3 * MIB, "what waits in the proxy is bounded");
    // The test's own client is slow in putting bytes together: count them instead.
    let bytes = 0;
    client.raw.socket.removeAllListeners("data");
    client.raw.socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    client.raw.socket.resume();
    await until("everything arrives", () => bytes >= PIECES * (PIECE.length + 10), 15_000);
    assert.equal(bytes, PIECES * (PIECE.length + 10), "not a byte more");
    assert.equal(ws.readyState, ws.OPEN);
    client.end();
  });
  await t.test("an arm that does not read makes its client wait, and gets everything once it reads", async () => {
    const { arm, proxy } = await start(t);
    const client = await WireClient.open(proxy.port, "/ws/1");
    const socket = await arm.socket(0);
    arm.onMessage = () => {};
    socket.ws.pause();
    const piece = frame({ opcode: BINARY, payload: PIECE });
    for (let i = 0; i < PIECES; i++) client.send(piece);
    await until(
      "reading from the client pauses",
      async () => (await proxy.count("socketPauses", { reason: "slow" })) > 0,
    );
    assert.ok(client.raw.socket.writableLength > 0, "the client has to wait");
    socket.ws.resume();
    await until("everything arrives", () => socket.messages.length === PIECES, 15_000);
    assert.ok(socket.messages.every(({ data }) => data.length === PIECE.length));
    client.end();
  });
  await t.test("one that stays slow is closed 1013, in both directions", async () => {
    const { arm, proxy } = await start(t, { limits: { slowReader: "300ms", close: "200ms" } });
    const reader = await WireClient.open(proxy.port, "/ws/1");
    const first = await arm.socket(0);
    reader.raw.socket.pause();
    for (let i = 0; i < PIECES; i++) first.ws.send(PIECE);
    await until("the arm is told", () => first.close !== null);
    await until("the close is counted", async () => (await proxy.count("socketCloses", { code: "1013" })) === 1);
    reader.end();

    const writer = await WireClient.open(proxy.port, "/ws/2");
    const second = await arm.socket(1);
    second.ws.pause();
    const piece = frame({ opcode: BINARY, payload: PIECE });
    for (let i = 0; i < PIECES; i++) writer.send(piece);
    await until("the client is told", () => writer.close !== null || writer.raw.isClosed);
    assert.deepEqual(writer.close, { code: 1013, reason: "Slow consumer" });
    writer.end();
    second.ws.resume(); // without a reader the arm would not see the end
    await until("nothing is left", async () => arm.openLegs === 0 && (await proxy.count("sockets")) === 0);
  });
});

test("a dead peer is gone in 45 s", async (t) => {
  const clock = createManualClock();
  const { arm, proxy } = await start(t, { clock, limits: { close: "200ms" } });
  const dead = await WireClient.open(proxy.port, "/ws/dead");
  const healthy = await WireClient.open(proxy.port, "/ws/healthy");
  const talking = await WireClient.open(proxy.port, "/ws/talking");
  const [deadLeg, , talkingLeg] = [await arm.socket(0), await arm.socket(1), await arm.socket(2)];
  const pingsOf = (client: WireClient): number => client.frames.filter(({ opcode }) => opcode === PING).length;
  let answered = 0;
  let said = 0;
  for (let second = 0; second < 44; second++) {
    clock.advance(1_000);
    await turn();
    // Answers to pings, and messages instead of answers, are signs of life alike.
    if (second % 20 < 3) await until("pings have come", () => pingsOf(dead) >= Math.floor(second / 20));
    for (; answered < pingsOf(healthy); answered++) healthy.send(frame({ opcode: PONG }));
    if (second % 10 === 5) talking.send(text(String(said++)));
    await until("what was said has arrived", () => talkingLeg.messages.length === said);
  }
  assert.equal(pingsOf(dead), 2);
  assert.equal(deadLeg.close, null, "two pings have their time");
  clock.advance(3_000);
  await until("the dead client's arm is told", () => deadLeg.close?.code === 1001);
  await until("its socket is closed", () => dead.raw.isClosed);
  for (const alive of [healthy, talking]) assert.equal(alive.raw.isClosed, false);
  assert.equal(await proxy.count("sockets"), 2);
  for (const one of [dead, healthy, talking]) one.end();
});

test("a dead arm is gone in 45 s, and its client is asked to come again", async (t) => {
  const clock = createManualClock();
  const { arm, proxy } = await start(t, { clock });
  const client = await WireClient.open(proxy.port, "/ws/1");
  const { ws } = await arm.socket(0);
  ws.pause(); // reads nothing, so answers nothing
  for (let second = 0; second < 46; second++) {
    clock.advance(1_000);
    await turn();
    for (const { opcode } of client.frames.slice(-1)) if (opcode === PING) client.send(frame({ opcode: PONG }));
  }
  await until("the leg is cut", () => arm.openLegs === 0 || ws.readyState === ws.CLOSED || client.close !== null);
  await until("the client is told", () => {
    clock.advance(10);
    return client.close !== null;
  });
  assert.deepEqual(client.close, { code: 1012, reason: "handoff:retry" });
  client.end();
});
