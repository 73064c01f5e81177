// Against the cassette's own listeners (shadow K3).
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../kernel/index.ts";
import { say, until } from "../cassette/testing/provider.ts";
import { startCassette } from "../cassette/testing/start.ts";
import { CassetteMisses } from "./cassetteMisses.ts";
import type { ThreadEvent } from "./messages.ts";
import { missOf } from "./testing/comparerBench.ts";

const TOKEN = "token-of-the-misses-0123456789abcdef";
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** @param readMs a machine that does much else gets more */
function read(t: TestContext, readMs = 10_000) {
  const events: ThreadEvent[] = [];
  const faults: unknown[] = [];
  const reader = new CassetteMisses({
    clock: systemClock,
    readMs,
    onDrop: (count) => {
      seen.dropped += count;
    },
    onEvent: (event) => events.push(event),
    onFault: (error) => faults.push(error),
  });
  t.after(() => reader.stop());
  const seen = { reader, events, faults, dropped: 0, look: () => new Promise<void>((run) => reader.look(run)) };
  return seen;
}

/** What a cassette of another kind would say; nothing: it does not answer. */
async function serve(t: TestContext, answer: (since: string) => unknown): Promise<number> {
  const server = createServer(({ url = "" }, response) => {
    const given = answer(url.split("=")[1] ?? "");
    if (given !== undefined) response.end(JSON.stringify(given));
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

const open = () =>
  startCassette(({ response }) => void response.end("{}"), {
    missesToken: TOKEN,
    limits: { waitMs: 5, ownWaitMs: 5, missesMax: 20 },
  });
const miss = (replayUrl: string, requestId: string) => say(replayUrl, { body: { ask: requestId }, requestId });

test("what was missed is known once somebody has looked, with its request, and what it looks like", async (t) => {
  const { recordUrl, replayUrl, replay } = await open();
  const { reader, look, events, dropped } = read(t);
  assert.ok(!reader.isOn);
  reader.configure({ replay, missesToken: TOKEN, isLive: false });
  assert.ok(reader.isOn);
  await look();
  await say(recordUrl, { body: { ask: { mood: 1 } }, requestId: "r1" });
  await say(replayUrl, { body: { ask: { mood: "sad" } }, requestId: "r1" });
  await look();
  const [found] = reader.within({ requestId: "r1", ...ALL });
  assert.deepEqual(
    [found?.reason, found?.nearest?.differences],
    ["none", [{ path: "$.ask.mood", kind: "type", recorded: "integer", asked: "text", count: 1 }]],
  );
  assert.ok(Math.abs((found?.atMs ?? 0) - Date.now()) < 5_000);
  assert.deepEqual([events, dropped], [[], 0]);
});

test("it is read without anybody looking, page after page", async (t) => {
  const { replayUrl, replay } = await startCassette(({ response }) => void response.end("{}"), {
    limits: { waitMs: 1 },
  });
  const { reader } = read(t);
  await Promise.all(Array.from({ length: 230 }, (_, at) => miss(replayUrl, `r${at % 115}`)));
  reader.configure({ replay, missesToken: null, isLive: false });
  const isThere = (at: number): boolean => reader.within({ requestId: `r${at}`, ...ALL }).length === 2;
  await until(() => Array.from({ length: 115 }, (_, at) => at).every(isThere));
  await miss(replayUrl, "later");
  await until(() => reader.within({ requestId: "later", ...ALL }).length === 1);
});

test("a cassette that was started anew is read from its beginning; what was known stays", async (t) => {
  const first = await open();
  const { reader, look, events } = read(t);
  reader.configure({ replay: first.replay, missesToken: TOKEN, isLive: false });
  for (const id of ["a", "b", "c"]) await miss(first.replayUrl, id);
  await look();
  await first.cassette.close();
  const again = first.make({ record: first.record, replay: first.replay });
  await again.start();
  after(() => again.close());
  await miss(first.replayUrl, "d");
  // It may have been away for a moment.
  await until(() => reader.within({ requestId: "d", ...ALL }).length === 1);
  assert.equal(reader.within({ requestId: "a", ...ALL }).length, 1);
  assert.ok(events.every(({ event }) => /^shadow\.cassette\.(?:away|back)$/.test(event)));
});

test("what the cassette could not keep until it was read is counted", async (t) => {
  const pages: Record<string, unknown> = {
    0: { boot: "b", misses: [], next: 3, hasMore: false },
    3: { boot: "b", misses: [missOf("r9", { n: 9, atMs: Date.now() })], next: 9, hasMore: false },
    9: { boot: "b", misses: [], next: 9, hasMore: false },
  };
  const port = await serve(t, (since) => pages[since]);
  const seen = read(t);
  seen.reader.configure({ replay: { host: "127.0.0.1", port }, missesToken: TOKEN, isLive: false });
  await until(() => seen.reader.within({ requestId: "r9", ...ALL }).length === 1);
  await seen.look();
  assert.equal(seen.dropped, 5);
});

test("nobody waits for a cassette that is away, or that never answers; it is told once, and when it is back", async (t) => {
  const given: { page?: object } = {};
  const port = await serve(t, () => given.page);
  const { reader, look, events } = read(t, 700);
  reader.configure({ replay: { host: "127.0.0.1", port }, missesToken: TOKEN, isLive: false });
  const startedMs = performance.now();
  await look();
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < 3_000, `it waited ${tookMs} ms`);
  let hasRun = false;
  reader.look(() => {
    hasRun = true;
  });
  assert.ok(hasRun, "at once");
  assert.deepEqual(
    events.map(({ event, fields }) => [event, fields]),
    [["shadow.cassette.away", { why: "it does not answer in time" }]],
  );
  given.page = { boot: "b", misses: [], next: 0, hasMore: false };
  await until(() => events.length === 2);
  assert.equal(events[1]?.event, "shadow.cassette.back");
});

test("a wrong token, and what is no list of misses, are said without what was sent or read", async (t) => {
  const { replay } = await open();
  const { reader, look, events } = read(t);
  reader.configure({ replay, missesToken: "wrong-token", isLive: false });
  await look();
  const port = await serve(t, () => ({ secret: "plans" }));
  reader.configure({ replay: { host: "127.0.0.1", port }, missesToken: TOKEN, isLive: false });
  await until(() => events.length === 2);
  assert.deepEqual(
    events.map(({ fields }) => fields["why"]),
    ["it does not take this token for its misses", "it does not answer with misses"],
  );
  assert.doesNotMatch(JSON.stringify(events), /wrong-token|secret|plans/);
});

test("one whose step fails does not stop the others, and when it is switched off nobody waits", async (t) => {
  const { replay } = await open();
  const { reader, faults } = read(t);
  reader.configure({ replay, missesToken: TOKEN, isLive: false });
  const ran: string[] = [];
  reader.look(() => {
    throw new Error("a step");
  });
  reader.look(() => void ran.push("b"));
  await until(() => ran.length === 1);
  assert.equal(faults.length, 1);
  reader.look(() => void ran.push("c"));
  reader.configure(null);
  assert.ok(!reader.isOn);
  await until(() => ran.length === 2);
  await pause(20);
  reader.look(() => void ran.push("d"));
  assert.deepEqual(ran, ["b", "c", "d"]);
});
