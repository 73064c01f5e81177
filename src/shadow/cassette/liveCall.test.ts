import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { createManualClock } from "../../kernel/index.ts";
import { type Answer, say, texts, until } from "./testing/provider.ts";
import { startCassette } from "./testing/start.ts";
import { TokenBudget } from "./tokenBudget.ts";

const tokensOf = (end: string): number | null => {
  const told = /tokens=(\d+)/.exec(end)?.[1];
  return told === undefined ? null : Number(told);
};

const open = (answer: Answer, tokensPerHour = 1_000) =>
  startCassette(answer, { live: { tokensPerHour, tokensOf }, limits: { waitMs: 5, ownWaitMs: 5 } });

const PIECES = ["data: one\n\n", "data: two tokens=400\n\n"];

const streamed: Answer = async ({ response }) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const piece of PIECES) {
    response.write(piece);
    await pause(10);
  }
  response.end();
};

test("K6: a target's call goes on to the models as it comes, whether it was recorded or not", async () => {
  const { replayUrl, recordUrl, provider, counted, misses, cassette } = await open(streamed);
  const call = { body: { ask: "a" }, requestId: "r1", headers: { authorization: "Bearer of-the-target" } };
  await say(recordUrl, call);
  const live = await say(replayUrl, call);
  assert.deepEqual([live.status, live.isWhole, texts(live)], [200, true, PIECES]);
  const [, seen] = provider.calls;
  assert.deepEqual(
    [seen?.request.url, seen?.body, seen?.request.headers.authorization, seen?.request.headers["x-request-id"]],
    ["/v1/say", '{"ask":"a"}', "Bearer of-the-target", "r1"],
  );
  await until(() => counted["live"] === 1);
  assert.deepEqual([misses, cassette.misses(0).live], [[], true]);
});

test("W6: the tokens of an hour are all there are; what comes behind them is told as that, and never sent", async () => {
  const { replayUrl, provider, counted, counts, misses } = await open(streamed);
  const ask = (requestId: string) => say(replayUrl, { body: { ask: "a", kind: "chat/1" }, requestId });
  for (const id of ["r1", "r2", "r3"]) assert.equal((await ask(id)).status, 200);
  await until(() => counted["live"] === 3);
  const refused = await ask("r4");
  assert.deepEqual([refused.status, refused.headers["content-type"]], [424, "application/problem+json"]);
  assert.equal(provider.calls.length, 3);
  assert.deepEqual(
    misses.map(({ requestId, reason, kind, nearest }) => [requestId, reason, kind, nearest]),
    [["r4", "budget", "chat/1", null]],
  );
  await counts({ live: 3, miss: 1 });
});

test("what an answer does not tell is counted by its length, and never as nothing", async () => {
  const { replayUrl, counted } = await open(({ response }) => void response.end("x".repeat(2_900)));
  assert.equal((await say(replayUrl, { body: { ask: "a" } })).status, 200);
  await until(() => counted["live"] === 1);
  assert.equal((await say(replayUrl, { body: { ask: "b".repeat(200) } })).status, 424);
});

test("K7: a target that leaves ends its model call", async () => {
  const { replayUrl, provider, counted } = await open(
    ({ response }) => void response.writeHead(200).write("data: a\n\n"),
  );
  const leaving = new AbortController();
  await say(replayUrl, { body: { ask: "a" }, signal: leaving.signal, onPiece: () => leaving.abort() }).catch(
    () => null,
  );
  await until(() => provider.calls[0]?.leftAt !== null);
  await until(() => counted["failed"] === 1);
});

test("a provider that is away, and one that breaks off, are what the target sees", async () => {
  const { replayUrl, provider, counts } = await open(({ response }) => {
    response.writeHead(200, { "content-length": 100 }).write("half");
    setTimeout(() => response.destroy(), 20);
  });
  assert.equal((await say(replayUrl, { body: { ask: "a" } })).isWhole, false);
  await provider.stop();
  assert.equal((await say(replayUrl, { body: { ask: "b" } })).status, 502);
  await counts({ failed: 2 });
});

test("a provider that is away, and one that refuses, spend nothing of the budget", async () => {
  const { replayUrl, provider, counts } = await open(
    ({ response }) => void response.writeHead(429).end("slow down"),
    100,
  );
  const ask = () => say(replayUrl, { body: { ask: "a".repeat(180) } });
  for (let at = 0; at < 3; at++) assert.equal((await ask()).status, 429);
  await provider.stop();
  for (let at = 0; at < 3; at++) assert.equal((await ask()).status, 502);
  await counts({ live: 3, failed: 3 });
});

test("an answer in very many pieces is counted by its end", async () => {
  const { replayUrl, counts } = await open(async ({ response }) => {
    for (let at = 0; at < 3_000; at++) if (!response.write("x")) await pause(1);
    response.end("tokens=990");
  });
  const ask = () => say(replayUrl, { body: { ask: "b".repeat(60) } });
  assert.equal((await ask()).status, 200);
  await counts({ live: 1 });
  assert.equal((await ask()).status, 424);
});

test("a budget is of the last hour, minute by minute; a call that has ended counts what it has spent", () => {
  const clock = createManualClock();
  const budget = new TokenBudget(clock, 100);
  const settle = budget.take(60);
  assert.ok(settle !== null);
  assert.equal(budget.take(50), null, "the first is not known yet");
  settle(20);
  assert.ok(budget.take(70) !== null);
  assert.deepEqual([budget.take(11), budget.spent], [null, 90]);
  clock.advance(59 * 60_000);
  assert.equal(budget.take(11), null);
  clock.advance(2 * 60_000);
  assert.equal(budget.spent, 0);
  assert.ok(budget.take(100) !== null);
});
