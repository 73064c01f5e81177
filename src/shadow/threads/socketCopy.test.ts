import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createNetServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { type Clock, createManualClock, systemClock } from "../../kernel/index.ts";
import type { ShadowCodec } from "../conversation/codec.ts";
import { GroupQueues } from "../mirror/groupQueue.ts";
import type { CopyItem } from "./messages.ts";
import { SocketCopy, type SocketCopyOptions } from "./socketCopy.ts";

/** `t…` opens a turn, `!` ends one; anything else is a message. */
const codec: ShadowCodec<null> = {
  surface: "s",
  endsTurns: true,
  start: () => null,
  fromClient: (_, { data }) => {
    const text = String(Buffer.from(data));
    if (text === "poison") throw new Error("cannot be read");
    return [null, { kind: text.startsWith("t") ? "turn" : "message", changesState: true }];
  },
  fromArm: (_, { data }) => {
    const text = String(Buffer.from(data));
    if (text === "poison") throw new Error("cannot be read");
    const isFinal = text.endsWith("!");
    return [null, { kind: "content", lane: "l", type: "x", correlationId: null, cause: "order", isFinal }];
  },
};

/** Of a plain service: every frame is a turn, and none ends one. */
const OPAQUE: ShadowCodec<null> = {
  surface: "s",
  start: () => null,
  fromClient: () => [null, { kind: "turn", changesState: true }],
  fromArm: () => [null, { kind: "content", lane: "l", type: "x", correlationId: null }],
};

interface Target {
  readonly url: string;
  readonly got: string[];
  readonly sockets: WebSocket[];
  readonly closes: number[];
  pings: number;
  /** Pings whose pong has arrived: the target asks back, and what it says arrives in order. */
  pongs: number;
}

async function startTarget(
  t: TestContext,
  onMessage: (socket: WebSocket, text: string) => void = () => {},
): Promise<Target> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const target: Target = {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/a%2Fb?x=1`,
    got: [],
    sockets: [],
    closes: [],
    pings: 0,
    pongs: 0,
  };
  server.on("connection", (socket, req) => {
    target.got.push(`open ${req.url} ${String(req.headers["x-shadow"])}`);
    target.sockets.push(socket);
    socket.on("close", (code) => target.closes.push(code));
    socket.on("ping", () => {
      target.pings += 1;
      socket.ping();
    });
    socket.on("pong", () => void (target.pongs += 1));
    socket.on("message", (data: Buffer) => {
      target.got.push(String(data));
      onMessage(socket, String(data));
    });
  });
  return target;
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let look = 0; look < 500; look++) {
    if (holds()) return;
    await pause(10);
  }
  throw new Error(`it did not happen: ${what}`);
}

function open(t: TestContext, url: string, more: Partial<SocketCopyOptions> = {}, clock: Clock = systemClock) {
  const queues = new GroupQueues();
  const posted: CopyItem[] = [];
  const handshakes: boolean[] = [];
  let ends = 0;
  const copy = new SocketCopy({
    id: 1,
    clock,
    url,
    headers: ["x-shadow", "1"],
    codec,
    rewrite: (frame) => frame,
    post: (item) => posted.push(item),
    turn: (run) => {
      const place = queues.arrive("g", true);
      place.ready(run);
      return place;
    },
    onHandshake: (isFailed) => handshakes.push(isFailed),
    onEnd: () => void (ends += 1),
    ...more,
  });
  t.after(() => copy.cut());
  const client = (text: string, atMs = clock.now(), heard = 0): void =>
    copy.client({ kind: "client", id: 1, isBinary: false, data: new Uint8Array(Buffer.from(text)), atMs, heard });
  const closed = (by: "client" | "arm" | "proxy", code: number, heard = 0): void =>
    copy.servedClosed({ kind: "closed", id: 1, by, code, atMs: clock.now(), heard });
  const told = (): readonly string[] =>
    posted.map((item) => {
      if (item.kind === "copy-handshake")
        return `shaken ${"status" in item.result ? item.result.status : item.result.error}`;
      if (item.kind === "copy-closed")
        return `closed ${item.code} by ${item.by}${item.isHalfOpen ? ", half-open" : ""}`;
      if (item.kind === "copy-lost") return `lost ${item.reason}`;
      return "data" in item ? `${item.kind === "copy-client" ? ">" : "<"}${String(Buffer.from(item.data))}` : item.kind;
    });
  const connect = (): void => queues.arrive("g", true).ready(() => copy.open());
  return { copy, queues, posted, handshakes, client, closed, told, connect, ends: () => ends };
}

test("a copy goes where the served socket went, is sent what the client sent before it was open, and closes like it", async (t) => {
  const target = await startTarget(t);
  const { client, closed, told, connect, handshakes, ends } = open(t, target.url);
  client("a");
  client("b");
  connect();
  await until(() => target.got.length === 3, "both frames");
  client("c");
  closed("client", 4_000);
  await until(() => target.closes.length === 1, "its close");
  assert.deepEqual(target.got, ["open /a%2Fb?x=1 1", "a", "b", "c"]);
  assert.deepEqual(target.closes, [4_000]);
  assert.deepEqual(told(), ["shaken 101", ">a", ">b", ">c", "closed 4000 by client"]);
  assert.deepEqual([handshakes, ends()], [[false], 1]);
});

test("a socket that was closed before its copy could be opened is copied to its end all the same", async (t) => {
  const target = await startTarget(t);
  const { client, closed, told, connect, queues } = open(t, target.url);
  const before = queues.arrive("g", true); // a write that is still on its way
  connect();
  client("a");
  closed("client", 1_000);
  before.drop();
  await until(() => target.closes.length === 1, "its close");
  assert.deepEqual(told(), ["shaken 101", ">a", "closed 1000 by client"]);
  assert.equal(queues.size, 0);
});

test("shadow C3: what is held for the client's own gaps is sent before the copy closes", async (t) => {
  const target = await startTarget(t);
  const { client, closed, told, connect } = open(t, target.url, { codec: null });
  client("a");
  await pause(200);
  client("b"); // both wait for the handshake: the gap begins when the first has left
  connect();
  await until(() => target.got.includes("a"), "the first");
  client("c");
  await pause(100);
  client("d");
  closed("client", 1_000);
  await until(() => target.closes.length === 1, "its close");
  assert.deepEqual(told(), ["shaken 101", ">a", ">b", ">c", ">d", "closed 1000 by client"]);
});

test("shadow C3: a frame that is still held for an id of the other arm is sent before the copy closes", async (t) => {
  const target = await startTarget(t);
  let isKnown = false;
  const { client, closed, told, connect } = open(t, target.url, { rewrite: (frame) => (isKnown ? frame : null) });
  connect();
  await until(() => told().length === 1, "it is open");
  client("a");
  closed("client", 1_000);
  await pause(200);
  assert.equal(target.closes.length, 0, "the frame is not sent yet");
  isKnown = true;
  client("b");
  await until(() => target.closes.length === 1, "its close");
  assert.deepEqual(told(), ["shaken 101", ">a", ">b", "closed 1000 by client"]);
});

test("shadow S4: a turn waits for the copies before it, and a call behind it for its answer", async (t) => {
  const target = await startTarget(t, (socket, text) => {
    if (text.startsWith("t")) setTimeout(() => socket.send(`${text}!`), 60);
  });
  const { client, connect, queues, told } = open(t, target.url);
  connect();
  await until(() => told().length === 1, "it is open");
  const before = queues.arrive("g", true);
  client("t1");
  client("m");
  await pause(60);
  assert.equal(target.got.length, 1, "a write of the group is before it");
  before.drop();
  await until(() => target.got.includes("t1"), "the turn");
  let ranAtAnswers = -1;
  queues.arrive("g", true).ready(async () => {
    ranAtAnswers = told().filter((one) => one.startsWith("<")).length;
  });
  await until(() => ranAtAnswers >= 0, "the call behind");
  assert.equal(ranAtAnswers, 1, "behind the turn's answer");
  assert.deepEqual(told(), ["shaken 101", ">t1", ">m", "<t1!"]);
});

test("shadow S4: turns in a row are sent like the client sent them, while nothing of the group is behind", async (t) => {
  const target = await startTarget(t);
  const { client, connect, queues, told } = open(t, target.url);
  client("t1");
  client("t2");
  connect();
  await until(() => target.got.includes("t2"), "the second does not wait for the first one's answer");
  target.sockets[0]?.send("a!");
  await until(() => told().includes("<a!"), "the first answer");
  await pause(30);
  assert.equal(queues.size, 1, "one is still open");
  target.sockets[0]?.send("b!");
  await until(() => queues.size === 0, "the place is given back");
});

test("shadow S4: without final frames a turn is over when it has left, not before", async (t) => {
  const target = await startTarget(t);
  const { endsTurns: _, ...open1 } = codec;
  let isKnown = false;
  const more = { codec: open1, rewrite: (frame: { isBinary: boolean; data: Uint8Array }) => (isKnown ? frame : null) };
  const { client, connect, queues, told } = open(t, target.url, more);
  connect();
  await until(() => told().length === 1, "it is open");
  client("t1");
  let sentBefore = -1;
  queues.arrive("g", true).ready(async () => {
    sentBefore = target.got.length;
  });
  await pause(100);
  assert.equal(sentBefore, -1, "the turn is held");
  isKnown = true;
  client("m");
  await until(() => sentBefore > 0, "the call behind");
  assert.ok(told().includes(">t1"));
});

test("shadow C4: a turn whose place comes more than five seconds late is not sent, and nothing else is", async (t) => {
  const target = await startTarget(t);
  const clock = createManualClock();
  const { client, connect, queues, told } = open(t, target.url, {}, clock);
  connect();
  await until(() => told().length === 1, "it is open");
  const before = queues.arrive("g", true);
  client("t1");
  clock.advance(5_001);
  before.drop();
  await until(() => told().length === 2, "it is told");
  assert.deepEqual(told(), ["shaken 101", "lost queue_full"]);
  assert.equal(target.got.length, 1);
  await until(() => queues.size === 0, "nobody waits for it");
});

test("shadow C4: more than 256 KiB that wait, here or at a target that does not read, are a conversation too many", async (t) => {
  const target = await startTarget(t);
  const waiting = open(t, target.url);
  waiting.client("x".repeat(256 * 1_024));
  waiting.client("y");
  assert.deepEqual(waiting.told(), ["lost queue_full"]);
  const clock = createManualClock();
  const { client, connect, told } = open(t, target.url, { codec: null }, clock);
  connect();
  await until(() => told().length === 1, "it is open");
  target.sockets.at(-1)?.pause();
  // Until the kernel takes no more.
  for (let at = 0; at < 800 && !told().includes("lost queue_full"); at++) {
    client("z".repeat(40 * 1_024));
    clock.advance(10);
    await pause(1);
  }
  assert.ok(told().includes("lost queue_full"), "its memory is not filled for ever");
});

test("shadow C7: a target that reads nothing any more is told as half-open, however the served socket ends", async (t) => {
  const target = await startTarget(t);
  for (const by of ["client", "arm"] as const) {
    const clock = createManualClock();
    const { client, closed, connect, told } = open(t, target.url, {}, clock);
    connect();
    await until(() => told().length === 1, "it is open");
    target.sockets.at(-1)?.pause();
    client("t1");
    await until(() => told().length === 2, "the turn has left");
    closed(by, 1_000);
    for (let left = 5_100; left > 0; left -= 50) clock.advance(50);
    await until(() => told().length === 3, "its end");
    assert.deepEqual(told(), ["shaken 101", ">t1", "closed 1006 by arm, half-open"]);
  }
});

test("shadow C7: a target that takes nothing for five seconds is not waited for until the client leaves", async (t) => {
  const target = await startTarget(t);
  const clock = createManualClock();
  const { client, connect, told } = open(t, target.url, { codec: null }, clock);
  connect();
  await until(() => told().length === 1, "it is open");
  target.sockets.at(-1)?.pause();
  client("a");
  clock.advance(5_999); // asked after the first
  assert.deepEqual(told(), ["shaken 101", ">a"]);
  clock.advance(1);
  assert.deepEqual(told(), ["shaken 101", ">a", "closed 1006 by arm, half-open"]);
});

test("shadow C7: a target that is there and says nothing is not half-open", async (t) => {
  const target = await startTarget(t);
  const clock = createManualClock();
  const { client, closed, connect, told } = open(t, target.url, {}, clock);
  connect();
  await until(() => told().length === 1, "it is open");
  client("t1");
  client("t2");
  await until(() => target.got.includes("t2"), "both turns");
  closed("client", 1_000);
  for (let second = 1; second <= 4; second++) {
    for (let at = 0; at < 20; at++) clock.advance(50);
    await until(() => target.pongs === second, "its pong");
  }
  assert.equal(target.pings, 4);
  for (let at = 0; at < 20; at++) clock.advance(50);
  await until(() => told().length === 4, "its end");
  assert.equal(told().at(-1), "closed 1000 by client");
});

test("what the codec cannot read costs the conversation, not the thread", async (t) => {
  const target = await startTarget(t);
  const fromClient = open(t, target.url);
  fromClient.connect();
  await until(() => fromClient.told().length === 1, "it is open");
  assert.doesNotThrow(() => fromClient.client("poison"));
  assert.deepEqual(fromClient.told().slice(1), ["lost engine_lost"]);
  const fromArm = open(t, target.url);
  fromArm.connect();
  await until(() => fromArm.told().length === 1, "it is open");
  target.sockets.at(-1)?.send("poison");
  await until(() => fromArm.told().length === 2, "it is told");
  assert.deepEqual(fromArm.told().slice(1), ["lost engine_lost"]);
});

test("shadow C1: a refusal is told as it is, a target that is away or silent as what it did, and each gives its place back", async (t) => {
  const refusing = createServer();
  refusing.on("upgrade", (_, socket) =>
    socket.end("HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno"),
  );
  const silent = createNetServer(() => {});
  const urls: string[] = [];
  for (const server of [refusing, silent]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    urls.push(`ws://127.0.0.1:${(server.address() as { port: number }).port}/`);
  }
  const refused = open(t, urls[0] as string);
  refused.connect();
  await until(() => refused.queues.size === 0, "refused");
  assert.deepEqual([refused.told(), refused.handshakes, refused.ends()], [["shaken 403"], [false], 1]);
  const away = open(t, "ws://127.0.0.1:1/");
  away.connect();
  await until(() => away.queues.size === 0, "away");
  assert.deepEqual([away.told(), away.handshakes, away.ends()], [["shaken refused"], [true], 1]);
  const clock = createManualClock();
  const late = open(t, urls[1] as string, {}, clock);
  late.connect();
  await pause(50);
  clock.advance(3_000);
  await until(() => late.queues.size === 0, "silent");
  assert.deepEqual([late.told(), late.handshakes], [["shaken timeout"], [true]]);
  const impossible = open(t, "ws://127.0.0.1:1/", { headers: ["x-name", "a\r\nb: c"] });
  impossible.connect();
  await until(() => impossible.queues.size === 0, "impossible");
  assert.deepEqual(impossible.told(), ["shaken protocol"]);
  const cut = open(t, urls[1] as string);
  cut.connect();
  await pause(20);
  cut.copy.cut();
  await until(() => cut.queues.size === 0, "cut in its handshake");
  assert.deepEqual([cut.told(), cut.ends()], [[], 1]);
});

test("shadow C7: an arm that closes by itself is told; one that does not follow its twin is left, and that is told by nothing", async (t) => {
  const target = await startTarget(t);
  const own = open(t, target.url);
  own.connect();
  await until(() => own.told().length === 1, "it is open");
  target.sockets[0]?.close(4_321);
  await until(() => own.told().length === 2, "its close");
  assert.deepEqual(own.told(), ["shaken 101", "closed 4321 by arm"]);
  const clock = createManualClock();
  const left = open(t, target.url, {}, clock);
  left.connect();
  await until(() => left.told().length === 1, "it is open");
  left.closed("arm", 1_001);
  clock.advance(4_999);
  assert.equal(left.ends(), 0);
  clock.advance(1);
  assert.deepEqual([left.told(), left.ends()], [["shaken 101"], 1]);
  await until(() => target.closes.length === 2, "it has left");
});

test("a turn that no frame ends holds its group up for half a minute, and no timer is left behind", async (t) => {
  const target = await startTarget(t);
  const clock = createManualClock();
  const { client, connect, queues, told, copy } = open(t, target.url, {}, clock);
  connect();
  await until(() => told().length === 1, "it is open");
  client("t1");
  await until(() => told().length === 2, "the turn");
  for (let second = 1; second <= 29; second++) {
    clock.advance(1_000);
    await until(() => target.pongs === second, "it is there, and says nothing");
  }
  clock.advance(999);
  await pause(20);
  assert.equal(queues.size, 1);
  clock.advance(1);
  await until(() => queues.size === 0, "its place is given back");
  copy.cut();
  clock.advance(2_000);
  assert.equal(clock.pending, 0);
});

test("shadow C3: where no frame ends a turn, the copy waits for what the client had heard before it went on, or left", async (t) => {
  const told: (() => void)[] = [];
  const target = await startTarget(t, (socket, text) => void told.push(() => socket.send(`echo ${text}`)));
  const { client, closed, connect, posted } = open(t, target.url, { codec: OPAQUE });
  const arms = (): number => posted.filter(({ kind }) => kind === "copy-arm").length;
  connect();
  client("one");
  client("two", Date.now(), 1);
  closed("client", 1_000, 2);
  await until(() => told.length === 1, "the first frame");
  await pause(100);
  assert.deepEqual(target.got.slice(1), ["one"]);
  told[0]?.();
  await until(() => told.length === 2, "the second one, behind its answer");
  await pause(700);
  assert.deepEqual(target.closes, [], "its last answer is still awaited");
  told[1]?.();
  await until(() => target.closes.length === 1 && arms() === 2, "its close");
});

test("shadow C3: a turn whose answer bears its id waits for no other", async (t) => {
  const target = await startTarget(t);
  const withIds: ShadowCodec<null> = {
    ...OPAQUE,
    fromClient: (_, { data }) => [null, { kind: "turn", changesState: true, id: String(Buffer.from(data)) }],
  };
  const { client, connect } = open(t, target.url, { codec: withIds });
  connect();
  client("one");
  client("two", Date.now(), 1);
  const startedMs = Date.now();
  await until(() => target.got.length === 3, "both");
  assert.ok(Date.now() - startedMs < 1_500);
});
