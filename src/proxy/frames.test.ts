import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { FRAMING_ROWS, type FramingRow, MESSAGE_MAX } from "./frames.cases.ts";
import { type SocketProxy, startSocketProxy } from "./session/testing/socketProxy.ts";
import { brokenCodecs } from "./session/testing/tinyCodec.ts";
import { closeFrame, PONG, text, WireClient } from "./session/testing/wire.ts";
import { type ArmSocket, startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { tokenFor } from "./testing/tokens.ts";
import { until } from "./testing/wait.ts";

let direct: WsArm;
let arm: WsArm;
let proxy: SocketProxy;
before(async () => {
  direct = await startWsArm({ server: { maxPayload: MESSAGE_MAX, maxFragments: 1_024, maxBufferedChunks: 16_384 } });
  arm = await startWsArm();
  proxy = await startSocketProxy({
    control: arm.url,
    limits: { socketsPerSubject: 2_000 },
    routes: [
      { match: "WS /ws/:id", messages: "10000/s", messageMax: `${MESSAGE_MAX}B` },
      { match: "WS /large/:id", messages: "10000/s" },
      ...Object.keys(brokenCodecs).map((name) => ({ match: `WS /broken/${name}`, codec: `broken-${name}` })),
      { match: "WS /tiny/:id", codec: "tiny" },
    ],
  });
});
after(async () => {
  proxy.stop();
  await Promise.all([direct.stop(), arm.stop()]);
});

const SENTINEL = "the row is over";
const digest = (data: Uint8Array): string => createHash("sha1").update(data).digest("hex").slice(0, 12);

/** What both ends saw of a row. */
interface Outcome {
  readonly messages: readonly string[];
  readonly pongs: readonly string[];
  readonly close: unknown;
  readonly armMessages: readonly string[];
  readonly armClose: unknown;
}

async function play(row: FramingRow, port: number, peer: WsArm, path: string): Promise<Outcome> {
  const client = await WireClient.open(port, path);
  const find = (): ArmSocket | undefined => peer.sockets.find(({ handshake }) => handshake.url === path);
  const pieces = row.isByteByByte ? Array.from(row.bytes, (byte) => Buffer.from([byte])) : [row.bytes];
  for (const piece of pieces.slice(0, -1)) {
    await new Promise((resolve) => client.raw.socket.write(piece, resolve));
  }
  client.send(pieces.at(-1) as Buffer, text(SENTINEL));
  const isOver = (): boolean => client.messages.at(-1)?.payload.toString() === SENTINEL;
  await until(`an end of "${row.name}"`, () => isOver() || client.close !== null || client.raw.isClosed, 5_000);
  if (client.close === null && !client.raw.isClosed) client.send(closeFrame(1000, "done"));
  await until(`the end of the connection of "${row.name}"`, () => client.raw.isClosed, 5_000);
  await until(`the arm's close of "${row.name}"`, () => find()?.close !== null && find() !== undefined);
  const socket = find() as ArmSocket;
  return {
    messages: client.messages.map(({ opcode, payload }) => `${opcode} ${payload.length} ${digest(payload)}`),
    pongs: client.frames.filter(({ opcode }) => opcode === PONG).map(({ payload }) => digest(payload)),
    close: client.close,
    armMessages: socket.messages.map(({ isBinary, data }) => `${isBinary ? 2 : 1} ${data.length} ${digest(data)}`),
    armClose: socket.close,
  };
}

/** 1006 cannot be sent: an arm hears 1001 of a client that was cut off for its framing (handoff.md §8 "client gone"). */
function throughAProxy(seen: Outcome): Outcome {
  const isCutOff = (seen.armClose as { code: number }).code === 1006;
  return isCutOff ? { ...seen, armClose: { code: 1001, reason: "" } } : seen;
}

test("≥ 250 framing rows behave as a direct connection", async () => {
  assert.ok(FRAMING_ROWS.length >= 250, `${FRAMING_ROWS.length} rows`);
  assert.equal(new Set(FRAMING_ROWS.map(({ name }) => name)).size, FRAMING_ROWS.length, "each row has its own name");
  const rows = [...FRAMING_ROWS.entries()];
  const differences: string[] = [];
  let closed = 0;
  const worker = async (): Promise<void> => {
    for (let next = rows.pop(); next; next = rows.pop()) {
      const [i, row] = next;
      const expected = throughAProxy(await play(row, direct.port, direct, `/ws/${i}`));
      const actual = await play(row, proxy.port, arm, `/ws/${i}`);
      if ((expected.close as { reason?: string } | null)?.reason !== "done") closed++;
      try {
        assert.deepEqual(actual, expected);
      } catch (error) {
        differences.push(`${row.name}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  assert.deepEqual(differences, []);
  assert.ok(
    closed > 100 && closed < FRAMING_ROWS.length - 80,
    `rows of both kinds, ${closed} of them end the connection`,
  );
});

/** Bytes that can be made again: no table of expectations is kept. */
function createNoise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}

function* randomMessages(seed: number, count: number): Generator<{ data: Buffer; isBinary: boolean }> {
  const next = createNoise(seed);
  for (let i = 0; i < count; i++) {
    const isBinary = next() % 2 === 0;
    const size = next() % 16 === 0 ? next() % 5_000 : next() % 200;
    const data = Buffer.alloc(size);
    for (let at = 0; at < size; at++) data[at] = isBinary ? next() >>> 24 : 0x20 + ((next() >>> 24) % 0x5f);
    yield { data, isBinary };
  }
}

/** Checks arrivals one by one against the same generator. */
function expectMessages(seed: number, count: number) {
  const expected = randomMessages(seed, count);
  const seen = { count: 0, fault: null as string | null };
  return {
    seen,
    take(data: Buffer, isBinary: boolean): void {
      const { value } = expected.next();
      const isSame = value && value.isBinary === isBinary && value.data.equals(data);
      if (!isSame) seen.fault ??= `message ${seen.count}`;
      seen.count++;
    },
  };
}

test("10⁴ random messages each way arrive once, in order, unchanged, text as text and binary as binary", async () => {
  const COUNT = 10_000;
  const fromClient = expectMessages(1, COUNT);
  const fromArm = expectMessages(2, COUNT);
  arm.onMessage = (_socket, data, isBinary) => fromClient.take(data, isBinary);
  const at = arm.sockets.length;
  const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/large/1?token=${tokenFor("ada")}`);
  client.on("message", (data, isBinary) => fromArm.take(data as Buffer, isBinary));
  await once(client, "open");
  const { ws } = await arm.socket(at);
  const [up, down] = [randomMessages(1, COUNT), randomMessages(2, COUNT)];
  for (let i = 0; i < COUNT; i += 200) {
    for (let j = 0; j < 200; j++) {
      const [a, b] = [up.next().value, down.next().value];
      if (a) client.send(a.data, { binary: a.isBinary });
      if (b) ws.send(b.data, { binary: b.isBinary });
    }
    await until(
      "both sides follow",
      () => fromClient.seen.count >= i - 2_000 && fromArm.seen.count >= i - 2_000,
      15_000,
    );
  }
  await until("all arrived", () => fromClient.seen.count === COUNT && fromArm.seen.count === COUNT, 15_000);
  assert.deepEqual([fromClient.seen.fault, fromArm.seen.fault], [null, null]);
  for (const direction of ["in", "out"]) {
    await until(`every frame ${direction} is counted`, async () => {
      return (await proxy.count("socketFrames", { route: "WS /large/:id", direction })) === COUNT;
    });
  }
  client.close();
  await once(client, "close");
  arm.onMessage = ({ ws: own }, data, isBinary) => own.send(data, { binary: isBinary });
});

test("what an arm sends arrives as it would without a proxy: sizes, pieces, text and binary", async () => {
  const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000];
  const sendAll = (ws: WebSocket): void => {
    for (const size of sizes) {
      ws.send("x".repeat(size));
      ws.send(Buffer.alloc(size, 0xa5));
    }
    for (const part of ["a€", "", "😀"]) ws.send(part, { fin: false });
    ws.ping("between");
    ws.send("end", { fin: true });
    ws.send(Buffer.from([0xff]), { fin: false });
    ws.send(Buffer.alloc(0), { fin: true });
    ws.close(4007, "over");
  };
  const look = async (peer: WsArm, port: number): Promise<unknown> => {
    const seen: string[] = [];
    const at = peer.sockets.length;
    const client = new WebSocket(`ws://127.0.0.1:${port}/large/1?token=${tokenFor("ada")}`);
    client.on("message", (data, isBinary) =>
      seen.push(`${isBinary} ${(data as Buffer).length} ${digest(data as Buffer)}`),
    );
    await once(client, "open");
    sendAll((await peer.socket(at)).ws);
    const [code, reason] = (await once(client, "close")) as [number, Buffer];
    return { seen, code, reason: reason.toString() };
  };
  const expected = await look(direct, direct.port);
  assert.deepEqual(await look(arm, proxy.port), expected);
});

test("a codec bug does not close a socket", async () => {
  for (const name of Object.keys(brokenCodecs)) {
    const off = await proxy.count("codecDisabled", { surface: `broken-${name}` });
    const client = await WireClient.open(proxy.port, `/broken/${name}`);
    client.send(text("turn one"));
    await client.sees("the first echo", () => client.messages.length === 1);
    client.send(text("turn two"));
    await client.sees("the second echo", () => client.messages.length === 2);
    assert.deepEqual(
      client.messages.map(({ payload }) => payload.toString()),
      ["turn one", "turn two"],
    );
    if (name !== "openTurns" && name !== "isIntended") {
      assert.equal(
        await proxy.count("codecDisabled", { surface: `broken-${name}` }),
        off + 1,
        `${name} is counted once`,
      );
    }
    assert.equal(client.close, null);
    client.end();
  }
  const client = await WireClient.open(proxy.port, "/tiny/1");
  client.send(text("throw"), text("hello"));
  await client.sees("both echoes", () => client.messages.length === 2);
  assert.equal(await proxy.count("codecDisabled", { surface: "tiny" }), 1);
  client.end();
});
