import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { type Answer, say, texts, until } from "./testing/provider.ts";
import { startCassette } from "./testing/start.ts";

const PIECES = ["data: one\n\n", "data: two\n\n", "data: three\n\n", "data: [DONE]\n\n"];

const streamed: Answer = async ({ response }) => {
  response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "echoed", "set-cookie": "secret=1" });
  for (const piece of PIECES) {
    response.write(piece);
    await pause(15);
  }
  response.end();
};

const plain: Answer = ({ response, body }) => {
  const text = JSON.stringify({ heard: body });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
};

test("a stream passes as it is and is replayed with its pieces, its gaps and its headers", async () => {
  const { recordUrl, replayUrl, counts, provider } = await startCassette(streamed);
  const call = { body: { ask: "a" }, requestId: "r1", headers: { authorization: "Bearer secret" } };
  const served = await say(recordUrl, call);
  const replayed = await say(replayUrl, call);
  assert.deepEqual([texts(served), served.status, served.isWhole], [PIECES, 200, true]);
  assert.deepEqual([texts(replayed), replayed.status, replayed.isWhole], [PIECES, 200, true]);
  const { "set-cookie": cookie, ...headers } = served.headers;
  assert.deepEqual(cookie, ["secret=1"]);
  assert.deepEqual(replayed.headers, headers);
  const gap = (replayed.pieces[3]?.atMs ?? 0) - (replayed.pieces[0]?.atMs ?? 0);
  assert.ok(gap >= 40, `3 pauses of 15 ms, played in ${gap}`);
  await counts({ hit: 1 });
  assert.equal(provider.calls[0]?.request.headers.authorization, "Bearer secret");
});

test("a recording that still runs is joined", async () => {
  const { recordUrl, replayUrl, counts } = await startCassette(streamed);
  const call = { body: { ask: "a" }, requestId: "r1" };
  let joining: ReturnType<typeof say> | undefined;
  const served = await say(recordUrl, {
    ...call,
    onPiece: () => {
      joining ??= say(replayUrl, call);
    },
  });
  assert.deepEqual(texts((await joining) ?? served), PIECES);
  await counts({ joined: 1 });
});

test("one that has not begun is waited for, then joined", async () => {
  const { recordUrl, replayUrl, counts, cassette } = await startCassette(streamed);
  const call = { body: { ask: "a" }, requestId: "r1" };
  const replaying = say(replayUrl, call);
  await until(() => cassette.stats().waiting > 0);
  await say(recordUrl, call);
  assert.deepEqual(texts(await replaying), PIECES);
  await counts({ joined: 1 });
  assert.equal(cassette.stats().waiting, 0);
});

test("what goes on to the provider is the call, end to end; hop-by-hop headers stay here", async () => {
  const { recordUrl, provider } = await startCassette(plain);
  const body = JSON.stringify({ ask: "ü".repeat(300_000) });
  const heard = await say(recordUrl, {
    body,
    path: "/say?x=%C3%BC",
    headers: { connection: "close, x-mine", "x-mine": "1", te: "trailers", "accept-encoding": "br", "x-own": "kept" },
  });
  assert.ok(heard.text === JSON.stringify({ heard: body }));
  const [call] = provider.calls;
  assert.equal(call?.request.url, "/v1/say?x=%C3%BC");
  const { host, via, te, "x-mine": mine, "x-own": own, "accept-encoding": encoding } = call?.request.headers ?? {};
  assert.deepEqual(
    [mine, te, own, encoding, via],
    [undefined, undefined, "kept", "identity", "1.1 switchyard-cassette"],
  );
  assert.equal(`http://${host}/v1`, provider.url);
});

test("a body of unknown length stays one, and a call without a body has none", async () => {
  const { recordUrl, provider } = await startCassette(plain);
  await say(recordUrl, { body: { ask: "a" }, isChunked: true });
  await say(recordUrl, { method: "GET", isChunked: true });
  await say(recordUrl, {});
  const seen = provider.calls.map(({ request, body }) => [
    request.headers["transfer-encoding"],
    request.headers["content-length"],
    body,
  ]);
  assert.deepEqual(seen, [
    ["chunked", undefined, '{"ask":"a"}'],
    [undefined, undefined, ""],
    [undefined, "0", ""],
  ]);
});

test("connections to the provider are kept and used again", async () => {
  const { recordUrl, provider } = await startCassette(plain);
  for (let at = 0; at < 20; at++) assert.equal((await say(recordUrl, { body: { ask: at } })).status, 200);
  assert.equal(provider.connections(), 1);
});

test("failures are replayed as failures, each try with its own", async () => {
  const { recordUrl, replayUrl, provider } = await startCassette(({ response }) => {
    if (provider.calls.length === 1) response.writeHead(429, { "retry-after": "1" }).end("slow down");
    else if (provider.calls.length === 2) response.destroy();
    else if (provider.calls.length === 3) {
      response.writeHead(200, { "content-length": 100 }).write("half of");
      setTimeout(() => response.destroy(), 5);
    } else response.end("good");
  });
  const call = { body: { ask: "a" }, requestId: "r1" };
  const tries = async (url: string) => {
    const outcomes: unknown[] = [];
    for (let at = 0; at < 4; at++) {
      const heard = await say(url, call).catch(() => null);
      outcomes.push(heard && [heard.status, heard.headers["retry-after"], heard.text, heard.isWhole]);
    }
    return outcomes;
  };
  const served = await tries(recordUrl);
  assert.deepEqual(served, [
    [429, "1", "slow down", true],
    null,
    [200, undefined, "half of", false],
    [200, undefined, "good", true],
  ]);
  assert.deepEqual(await tries(replayUrl), served);
  const elsewhere = await say(replayUrl, { ...call, requestId: "r2" });
  assert.equal(elsewhere.text, "good");
});

test("a provider that cannot be reached is told once, answered 502 and replayed as such", async () => {
  const { make, logged } = await startCassette(plain);
  const unreachable = make({ provider: "http://127.0.0.1:9/v1" });
  const { recordUrl, replayUrl } = await unreachable.start();
  const call = { body: { ask: "a" }, requestId: "r1" };
  const served = [await say(recordUrl, call), await say(recordUrl, call)];
  const replayed = await say(replayUrl, call);
  await unreachable.close();
  for (const { status, text } of [...served, replayed]) {
    assert.deepEqual([status, JSON.parse(text).code], [502, "SY_UPSTREAM_REFUSED"]);
  }
  assert.equal(logged.filter((line) => line.includes("provider_lost")).length, 1);
});

test("two calls at once with one key get two recordings", async () => {
  let number = 0;
  const { recordUrl, replayUrl } = await startCassette(({ response }) => void response.end(`answer ${++number}`));
  const call = { body: { ask: "a" }, requestId: "r1" };
  const both = async (url: string) =>
    (await Promise.all([say(url, call), say(url, call)])).map(({ text }) => text).sort();
  assert.deepEqual(await both(recordUrl), ["answer 1", "answer 2"]);
  assert.deepEqual(await both(replayUrl), ["answer 1", "answer 2"]);
});

test("a head that cannot be passed on breaks its own call off and nothing else", async () => {
  const { recordUrl, replayUrl } = await startCassette(({ response, body }) => {
    if (body.includes("odd")) response.socket?.end("HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n");
    else response.end("good");
  });
  const odd = { body: { ask: "odd" }, requestId: "r1" };
  await assert.rejects(say(recordUrl, odd));
  await assert.rejects(say(replayUrl, odd));
  assert.equal((await say(recordUrl, { body: { ask: "even" } })).text, "good");
});

test("no recording: 424, counted, told with the nearest request and without a word of it", async () => {
  const { recordUrl, replayUrl, counted, misses, cassette, logged } = await startCassette(plain, {
    limits: { waitMs: 30 },
    missesToken: "token-of-misses",
  });
  await say(recordUrl, { body: { ask: { topic: "secret plans", mood: 1 } }, requestId: "r1" });
  const missed = await say(replayUrl, { body: { ask: { topic: "secret plans", mood: "sad" } }, requestId: "r1" });
  assert.deepEqual([missed.status, JSON.parse(missed.text).code, counted], [424, "SY_NO_RECORDING", { miss: 1 }]);
  const [miss] = misses;
  assert.deepEqual(
    [miss?.n, miss?.kind, miss?.requestId, miss?.occurrence, miss?.reason, miss?.nearest?.requestId],
    [1, "talk", "r1", 1, "none", "r1"],
  );
  assert.deepEqual(miss?.nearest?.differences, [
    { path: "$.ask.mood", kind: "type", recorded: "integer", asked: "text", count: 1 },
  ]);
  const origin = new URL(replayUrl).origin;
  const read = (headers: Record<string, string>) => say(origin, { method: "GET", path: "/misses?since=0", headers });
  assert.deepEqual([(await read({})).status, (await read({ authorization: "Bearer wrong" })).status], [401, 401]);
  const page = await read({ authorization: "Bearer token-of-misses" });
  assert.deepEqual(JSON.parse(page.text), cassette.misses(0));
  assert.doesNotMatch(page.text + missed.text + logged.join(), /secret|plans|sad/);
  const nothing = { method: "GET", path: "/misses?since=x", headers: { authorization: "Bearer token-of-misses" } };
  assert.equal((await say(origin, nothing)).status, 400);
});

test("what the served arm has asked once is an additional request the second time: answered, and told", async () => {
  const { recordUrl, replayUrl, counts, misses } = await startCassette(plain, { limits: { ownWaitMs: 20 } });
  const call = { body: { ask: "a" }, requestId: "r1" };
  await say(recordUrl, call);
  const replayed = [await say(replayUrl, call), await say(replayUrl, call)];
  await say(replayUrl, { ...call, requestId: "r2" });
  await say(recordUrl, { body: { asks: ["x"] }, requestId: "r1" });
  for (let at = 0; at < 2; at++) await say(replayUrl, { body: { asks: ["x"] }, requestId: "r1" });
  assert.equal(replayed[1]?.text, replayed[0]?.text);
  const told = misses.map(({ n, reason, requestId, occurrence }) => [n, reason, requestId, occurrence]);
  assert.deepEqual(told, [[1, "additional", "r1", 2]]);
  await counts({ hit: 5 });
});

test("another prompt of the same request is missed after a second, not after ten", async () => {
  const { recordUrl, replayUrl, misses } = await startCassette(plain, { limits: { waitMs: 60_000, ownWaitMs: 20 } });
  await say(recordUrl, { body: { ask: "a" }, requestId: "r1" });
  assert.equal((await say(replayUrl, { body: { ask: "b" }, requestId: "r1" })).status, 424);
  assert.deepEqual(
    misses.map(({ reason, nearest }) => [reason, nearest?.requestId]),
    [["none", "r1"]],
  );
});

test("a call that the application does not know is the same when its bytes are", async () => {
  const { recordUrl, replayUrl, misses } = await startCassette(plain, { limits: { waitMs: 20 } });
  await say(recordUrl, { body: "{not json" });
  assert.equal((await say(replayUrl, { body: "{not json" })).text, JSON.stringify({ heard: "{not json" }));
  assert.equal((await say(replayUrl, { body: "{not json!" })).status, 424);
  assert.equal(misses[0]?.kind, "other");
});

test("parts are replayed in whatever batch they are asked for", async () => {
  const { recordUrl, replayUrl, counted, misses } = await startCassette(
    ({ response, body }) => {
      const { asks } = JSON.parse(body) as { asks: string[] };
      if (asks.includes("bad")) response.writeHead(429).end("no");
      else if (asks.includes("odd")) response.end('{"said":[]}');
      else response.end(JSON.stringify({ said: asks.map((one) => one.toUpperCase()) }));
    },
    { limits: { waitMs: 30 } },
  );
  const ask = (url: string, ...asks: string[]) => say(url, { body: { asks }, requestId: "r1" });
  await ask(recordUrl, "a", "b");
  await ask(recordUrl, "c", "c", "d");
  await ask(recordUrl, "bad", "e");
  await ask(recordUrl, "odd", "f");
  assert.equal((await ask(replayUrl, "a", "b")).text, '{"said":["A","B"]}');
  assert.equal((await ask(replayUrl, "d", "c", "d")).text, '{"said":["D","C","D"]}');
  assert.equal((await ask(replayUrl, "e")).status, 429);
  await until(() => counted["hit"] === 3);
  assert.equal(counted["miss"], undefined);
  assert.equal((await ask(replayUrl, "f")).status, 424);
  assert.equal((await ask(replayUrl, "b", "new")).status, 424);
  assert.deepEqual(
    misses.map(({ reason }) => reason),
    ["indivisible", "none"],
  );
});
