import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createManualClock } from "../kernel/index.ts";
import { type SocketProxy, type SocketProxyOptions, startSocketProxy } from "./session/testing/socketProxy.ts";
import { text, WireClient } from "./session/testing/wire.ts";
import { type ArmSocket, startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { tokenFor } from "./testing/tokens.ts";
import { until } from "./testing/wait.ts";

let control: WsArm;
let candidate: WsArm;
before(async () => {
  [control, candidate] = await Promise.all([startWsArm(), startWsArm()]);
  for (const arm of [control, candidate]) arm.onMessage = () => {}; // turns end when the test says so
});
const started: SocketProxy[] = [];
after(async () => {
  for (const proxy of started) proxy.stop();
  await Promise.all([control.stop(), candidate.stop()]);
});

async function start(options: Partial<SocketProxyOptions> = {}): Promise<SocketProxy> {
  const proxy = await startSocketProxy({ control: control.url, candidate: candidate.url, ...options });
  started.push(proxy);
  return proxy;
}

const RETRY = { code: 1012, reason: "handoff:retry" };

interface Pair {
  readonly client: WireClient;
  readonly socket: ArmSocket;
}

async function open(proxy: SocketProxy, subject: string, path = "/tiny/1", arm = control): Promise<Pair> {
  const at = arm.sockets.length;
  const client = await WireClient.open(proxy.port, path, { token: tokenFor(subject) });
  assert.equal(client.reply.status, 101);
  return { client, socket: await arm.socket(at) };
}

/** Says something and waits until the arm has it: proof that the socket works and that its turn is open. */
async function say(pair: Pair, words: string): Promise<void> {
  const before = pair.socket.messages.length;
  pair.client.send(text(words));
  await until(`the arm hears ${words}`, () => pair.socket.messages.length > before);
}

async function hear(pair: Pair, words: string): Promise<void> {
  const before = pair.client.messages.length;
  pair.socket.ws.send(words);
  await pair.client.sees(words, () => pair.client.messages.length > before);
}

test("a flag change closes exactly the sockets whose decision changed, and they come back to the other arm", async () => {
  const proxy = await start();
  const ada = await open(proxy, "ada");
  const bob = await open(proxy, "bob");
  proxy.flags.setPins({ ada: "candidate" });
  assert.deepEqual(await ada.client.closed(), RETRY);
  ada.client.end();
  await until("the arm knows that the session goes on elsewhere", () => ada.socket.close !== null);
  assert.deepEqual(ada.socket.close, { code: 4001, reason: "handoff" });
  await say(bob, "still here");
  assert.deepEqual([bob.client.close, bob.socket.close], [null, null]);
  const again = await open(proxy, "ada", "/tiny/1", candidate);
  await say(again, "back");
  assert.deepEqual(
    proxy.proxy.socketsOf("ada").map(({ arm }) => arm),
    ["candidate"],
  );
  for (const { client } of [bob, again]) client.end();
});

test("a socket in an open turn goes at the end of the turn, and takes no new one on its way out", async () => {
  const proxy = await start();
  const pair = await open(proxy, "ada");
  await say(pair, "turn one");
  proxy.flags.setPins({ ada: "candidate" });
  await hear(pair, "part of the answer");
  pair.client.send(text("turn two"), text("an aside"));
  await until("the aside reaches the arm", () => pair.socket.messages.length === 2);
  assert.equal(pair.socket.messages[1]?.data.toString(), "an aside", "the new turn did not");
  assert.equal(pair.client.close, null);
  pair.socket.ws.send("final one");
  assert.deepEqual(await pair.client.closed(), RETRY);
  assert.deepEqual(
    pair.client.messages.map(({ payload }) => payload.toString()),
    ["part of the answer", "final one"],
  );
  assert.equal(await proxy.count("socketFramesDropped", { reason: "leaving" }), 1);
  pair.client.end();
});

test("a socket that is decided back before it left stays", async () => {
  const proxy = await start({ limits: { closeSpread: "300ms", closes: "100000/s" } });
  const pair = await open(proxy, "ada");
  const inTurn = await open(proxy, "ada");
  await say(inTurn, "turn one");
  const begin = performance.now();
  proxy.flags.setPins({ ada: "candidate" });
  proxy.flags.setPins({});
  await until("the time of the change is over", () => performance.now() - begin > 400);
  await say(pair, "still here");
  await hear(inTurn, "final one");
  await say(inTurn, "turn two");
  assert.deepEqual([pair.client.close, inTurn.client.close], [null, null]);
  for (const { client } of [pair, inTurn]) client.end();
});

test("the kill switch sends everyone on the candidate back", async () => {
  const pins = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`student-${i}`, "candidate" as const]));
  const proxy = await start({ pins });
  const away = await Promise.all(
    Object.keys(pins).map((subject) => WireClient.open(proxy.port, "/ws/1", { token: tokenFor(subject) })),
  );
  const stays = await open(proxy, "ada");
  proxy.flags.kill(true);
  for (const client of away) {
    assert.deepEqual(await client.closed(), RETRY);
    client.end();
  }
  await say(stays, "still here");
  const back = await open(proxy, "student-0");
  await say(back, "on control");
  for (const { client } of [stays, back]) client.end();
});

test("closes are spread over the configured time, at one moment for all sockets of a subject", async () => {
  const spreadMs = 900;
  const proxy = await start({ limits: { closeSpread: `${spreadMs}ms`, closes: "100000/s" } });
  const subjects = Array.from({ length: 20 }, (_, i) => `subject-${i}`);
  const opened = await Promise.all(
    subjects.flatMap((subject) =>
      ["/ws/1", "/tiny/1", "/ws/2"].map(async (path) => ({
        subject,
        client: await WireClient.open(proxy.port, path, { token: tokenFor(subject) }),
      })),
    ),
  );
  const begin = performance.now();
  proxy.flags.setPins(Object.fromEntries(subjects.map((subject) => [subject, "candidate" as const])));
  const times = new Map<string, number[]>(subjects.map((subject) => [subject, []]));
  await Promise.all(
    opened.map(async ({ subject, client }) => {
      assert.deepEqual(await client.closed(), RETRY);
      times.get(subject)?.push(performance.now() - begin);
      client.end();
    }),
  );
  const moments = [...times.values()].map((own) => {
    assert.ok(Math.max(...own) - Math.min(...own) < 150, `sockets of one subject at ${own.map(Math.round).join(", ")}`);
    return Math.min(...own);
  });
  assert.ok(Math.max(...moments) < spreadMs + 150);
  for (const half of [0, 1]) {
    const inside = moments.filter((ms) => Math.floor(ms / (spreadMs / 2)) === half).length;
    assert.ok(inside >= 3, `half ${half}: ${inside} of 20`);
  }
});

test("with many sockets the spread grows with their number", async () => {
  const proxy = await start({ limits: { closeSpread: "1ms", closes: "40/s" } });
  const clients = await Promise.all(
    Array.from({ length: 40 }, (_, i) => WireClient.open(proxy.port, "/ws/1", { token: tokenFor(`many-${i}`) })),
  );
  const begin = performance.now();
  proxy.flags.setPins(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`many-${i}`, "candidate" as const])));
  const times = await Promise.all(
    clients.map(async (client) => {
      await client.closed();
      client.end();
      return performance.now() - begin;
    }),
  );
  assert.ok(Math.max(...times) > 600, `40 sockets at 40 a second take a second, not ${Math.max(...times)} ms`);
  assert.ok(Math.max(...times) < 1_400);
});

test("a flag change during the handshake is not missed: the socket learns of it when it opens", async () => {
  const proxy = await start();
  const asked = control.handshakes.length;
  let accept = (): void => {};
  control.onHandshake = (one) => {
    accept = one.accept;
  };
  const opening = WireClient.open(proxy.port, "/tiny/1", { token: tokenFor("ada") });
  await control.handshake(asked);
  proxy.flags.setPins({ ada: "candidate" });
  accept();
  control.onHandshake = (one) => one.accept();
  const client = await opening;
  assert.deepEqual(await client.closed(), RETRY);
  client.end();
});

test("an arm that is lost while the socket waits to leave changes nothing for the client", async () => {
  const proxy = await start({ limits: { closeSpread: "200ms", closes: "100000/s" } });
  const pair = await open(proxy, "ada");
  await say(pair, "turn one");
  proxy.flags.setPins({ ada: "candidate" });
  pair.socket.ws.terminate();
  assert.deepEqual(await pair.client.closed(), RETRY);
  pair.client.end();
});

test("a turn that does not end holds its socket no longer than two minutes", async () => {
  const clock = createManualClock(Date.now());
  const proxy = await start({ clock });
  const pair = await open(proxy, "ada");
  await say(pair, "turn one");
  proxy.flags.setPins({ ada: "candidate" });
  for (let second = 0; second < 118; second++) {
    clock.advance(1_000);
    if (second % 10 === 0) await say(pair, "an aside, as a sign of life");
  }
  assert.equal(pair.client.close, null);
  clock.advance(3_000);
  assert.deepEqual(await pair.client.closed(), RETRY);
  pair.client.end();
});

test("a new configuration asks every decision again, the same flags do not", async () => {
  const proxy = await start();
  const pair = await open(proxy, "ada");
  const questions = countQuestions(proxy);
  for (let i = 0; i < 5; i++) proxy.flags.confirm();
  assert.equal(questions.asked, 0, "flags are confirmed every few seconds without being changed");
  const { config } = proxy.proxy.core;
  proxy.proxy.reconfigure({ ...config, limits: { ...config.limits } });
  assert.equal(questions.asked, 1);
  await say(pair, "still here");
  pair.client.end();
});

/** Counts how often a decision is asked from now on. */
function countQuestions(proxy: SocketProxy): { asked: number } {
  const counter = { asked: 0 };
  const { state } = proxy.flags;
  const decide: typeof state.decide = (...question) => {
    counter.asked++;
    return state.decide(...question);
  };
  Object.defineProperty(proxy.flags, "state", { get: () => ({ ...state, data: state.data, decide }) });
  return counter;
}
