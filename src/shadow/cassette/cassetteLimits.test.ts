import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { createCassette } from "./cassette.ts";
import { type Answer, say, until } from "./testing/provider.ts";
import { startCassette } from "./testing/start.ts";

const plain: Answer = ({ response, body }) => {
  const text = JSON.stringify({ heard: body });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
};

test("a client that leaves ends the provider's call at once, and the recording ends there", async () => {
  const { recordUrl, replayUrl, provider } = await startCassette(({ response }) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("begun");
  });
  const leaving = new AbortController();
  let leftAt = 0;
  const call = { body: { ask: "a" }, requestId: "r1" };
  const served = await say(recordUrl, {
    ...call,
    signal: leaving.signal,
    onPiece: () => {
      leftAt = performance.now();
      leaving.abort();
    },
  });
  assert.equal(served.isWhole, false);
  await until(() => provider.calls[0]?.leftAt !== null);
  const tookMs = (provider.calls[0]?.leftAt ?? Number.POSITIVE_INFINITY) - leftAt;
  assert.ok(tookMs <= 200, `the provider's call went on for ${tookMs} ms`);
  const replayed = await say(replayUrl, call);
  assert.deepEqual([replayed.text, replayed.isWhole], ["begun", false]);
});

test("a client that leaves before there is an answer, or before its request is whole, leaves nothing running", async () => {
  const { recordUrl, provider, cassette, counted } = await startCassette(() => undefined);
  const leaving = new AbortController();
  const serving = say(recordUrl, { body: { ask: "a" }, signal: leaving.signal });
  await until(() => provider.calls.length > 0);
  leaving.abort();
  await assert.rejects(serving);
  await until(() => provider.calls[0]?.leftAt !== null);
  const { hostname, port } = new URL(recordUrl);
  const socket = connect(Number(port), hostname);
  socket.write("POST /v1/say HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  await until(() => cassette.stats().recordings > 1);
  socket.destroy();
  await until(() => counted["unkeyed"] === 1);
  assert.equal(cassette.stats().recordings, 1);
});

test("a slow client slows the provider, and nobody else's copy", async () => {
  const block = "x".repeat(65_536);
  // More than the kernel's buffers of both connections can hold: Linux lets one grow to 32 MiB and more.
  const blocks = 2_000;
  let written = 0;
  const provider: Answer = async ({ response }) => {
    for (let at = 0; at < blocks && !response.destroyed; at++) {
      written += block.length;
      if (!response.write(block)) await once(response, "drain");
    }
    response.end();
  };
  const limits = { recordingBytesMax: 2 * blocks * block.length, bytesMax: 3 * blocks * block.length };
  const { recordUrl, replayUrl, cassette } = await startCassette(provider, { limits });
  const body = JSON.stringify({ ask: "a" });
  const { hostname, port } = new URL(recordUrl);
  const socket = connect(Number(port), hostname);
  socket.pause();
  socket.write(`POST /v1/say HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until(() => written > 0);
  for (let before = 0; before !== written; await pause(100)) before = written;
  assert.ok(written < blocks * block.length, "the provider wrote all of it to a client that reads nothing");
  assert.ok(cassette.stats().bytes < written + 200_000);
  socket.resume();
  const replayed = await say(replayUrl, { body });
  assert.equal(replayed.text.length, blocks * block.length);
  socket.destroy();
});

test("bodies above the limit are refused on both sides, announced or not", async () => {
  const { recordUrl, replayUrl, counted, cassette, provider } = await startCassette(plain, {
    limits: { bodyBytesMax: 100_000 },
  });
  const large = { body: { ask: "x".repeat(200_000) } };
  const statuses = await Promise.all([recordUrl, replayUrl].map(async (url) => (await say(url, large)).status));
  assert.deepEqual(statuses, [413, 413]);
  const { hostname, port } = new URL(recordUrl);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  socket.write("POST /v1/say HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  socket.write(`30d40\r\n${"x".repeat(200_000)}\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1.1 413 /);
  socket.destroy();
  assert.ok((counted["body_too_large"] ?? 0) >= 1);
  assert.deepEqual([cassette.stats().recordings, provider.calls.length], [0, 0]);
});

test("bodies that are too many at once are passed on and not recorded", async () => {
  const { recordUrl, cassette, counted } = await startCassette(plain, { limits: { bodiesBytesMax: 1_000 } });
  const heard = await say(recordUrl, { body: { ask: "x".repeat(5_000) } });
  assert.deepEqual([heard.status, cassette.stats().recordings], [200, 0]);
  assert.deepEqual(counted, { body_budget: 1 });
  assert.equal((await say(recordUrl, { body: { ask: "x" } })).status, 200);
  assert.equal(cassette.stats().recordings, 1);
});

test("a recording that grew too large is served whole and is a miss that says so", async () => {
  const { recordUrl, replayUrl, misses, counted } = await startCassette(
    ({ response }) => void response.end("y".repeat(50_000)),
    {
      limits: { recordingBytesMax: 20_000 },
    },
  );
  const call = { body: { ask: "a" }, requestId: "r1" };
  assert.equal((await say(recordUrl, call)).text.length, 50_000);
  assert.equal((await say(replayUrl, call)).status, 424);
  assert.deepEqual([misses[0]?.reason, misses[0]?.nearest, counted], ["too_large", null, { too_large: 1, miss: 1 }]);
});

test("a recording that has to go while it is replayed breaks the replay off, and both are counted", async () => {
  const { recordUrl, replayUrl, counted, cassette } = await startCassette(
    ({ response, body }) => {
      if (body.includes("endless")) response.writeHead(200).write("begun");
      else response.end("z".repeat(90_000));
    },
    { limits: { bytesMax: 100_000 } },
  );
  const call = { body: { ask: "endless" }, requestId: "r1" };
  const leaving = new AbortController();
  const [begun, replayBegun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const serving = say(recordUrl, { ...call, signal: leaving.signal, onPiece: () => begun.resolve() });
  await begun.promise;
  const replaying = say(replayUrl, { ...call, onPiece: () => replayBegun.resolve() });
  await replayBegun.promise;
  await say(recordUrl, { body: { ask: "large" } });
  await say(recordUrl, { body: { ask: "another" } });
  const replayed = await replaying;
  assert.deepEqual([replayed.text, replayed.isWhole], ["begun", false]);
  assert.equal(counted["failed"], 1);
  assert.ok((counted["memory"] ?? 0) >= 1 && cassette.stats().bytes <= 100_000);
  leaving.abort();
  assert.equal((await serving).text, "begun");
});

test("more waiting replays than may wait are refused and counted", async () => {
  const { replayUrl, counted, cassette } = await startCassette(plain, { limits: { waitingMax: 2, waitMs: 200 } });
  const asks = Array.from({ length: 64 }, (_, at) => `${at}`);
  const waiting = [{ ask: 1 }, { asks }].map((body) => say(replayUrl, { body }));
  await until(() => cassette.stats().waiting === 2);
  const refused = await say(replayUrl, { body: { ask: 3 } });
  assert.equal(refused.status, 503);
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ status }) => status),
    [424, 424],
  );
  assert.deepEqual(counted, { waiting_full: 1, failed: 1, miss: 2 });
});

test("other paths are nobody's", async () => {
  const { recordUrl, replayUrl, provider } = await startCassette(plain);
  for (const url of [recordUrl, replayUrl]) {
    assert.equal((await say(new URL(url).origin, { path: "/v2/say", body: {} })).status, 404);
  }
  assert.equal(provider.calls.length, 0);
});

test("closing cuts what runs, answers who waits, and the ports are free within a second", async () => {
  const { make } = await startCassette(({ response }) => {
    response.writeHead(200).write("begun");
  });
  const first = make();
  const { record, replay, recordUrl, replayUrl } = await first.start();
  let hasBegun = false;
  const running = say(recordUrl, { body: { ask: "a" }, onPiece: () => void (hasBegun = true) });
  const waiting = say(replayUrl, { body: { ask: "b" } });
  await until(() => hasBegun && first.stats().waiting > 0);
  const startedAt = performance.now();
  await first.close();
  const second = make({ record, replay });
  await second.start();
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs <= 1_000, `a restart took ${tookMs} ms`);
  assert.deepEqual([(await running).isWhole, (await waiting).status], [false, 503]);
  assert.deepEqual([first.stats().bytes, first.stats().recordings], [0, 0]);
  await assert.rejects(make({ record, replay }).start(), { code: "EADDRINUSE" });
  await second.close();
});

test("a provider must be a base URL", () => {
  for (const provider of ["model", "ftp://x/", "http://u:p@x/v1", "http://x/v1?key=1"]) {
    assert.throws(() => createCassette({ provider } as Parameters<typeof createCassette>[0]), RangeError, provider);
  }
});
