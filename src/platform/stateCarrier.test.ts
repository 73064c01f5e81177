// The carrier against arms that answer what a test wants.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { createStateCarrier } from "./stateCarrier.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function arm(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => answer(request, response, body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const head = (key: string, seq: number) =>
  `{"seq":${seq},"kind":"yjs_snapshots","op":"upsert","key":"${key}","user_id":"u","version":1,"origin":"legacy","at":1`;
const boardOf = (key: string, seq: number, state: string): string =>
  `${head(key, seq)},"data":{"session_id":"${key}","state":"${state}","updated_at":1}}`;
const LIMITS = { answerBytes: 30_000, lineBytes: 20_000, boardChars: 10_000 };
const REASON = "the board is larger than 32 MiB, which is not moved";

/** Takes everything, and notes what. */
function taker(taken: string[]): Answer {
  return (_, response, body) => {
    const { changes } = JSON.parse(body);
    taken.push(...changes.map(({ key }: { key: string }) => key));
    response.end(JSON.stringify({ applied: changes.length, skipped: 0, rejected: [], conflicts: [] }));
  };
}

async function carrierOf(t: TestContext, from: Answer, taken: string[]) {
  const urls = { control: [await arm(t, from)], candidate: [await arm(t, taker(taken))] };
  return createStateCarrier({ urls, token: "t", sleep: async () => undefined, limits: LIMITS });
}

test("a board above 32 MiB is refused by name, the rows around it are brought", async (t) => {
  const taken: string[] = [];
  const changes = [boardOf("a", 1, "AAA="), boardOf("b", 2, "A".repeat(10_004)), boardOf("c", 3, "AAA=")].join(",");
  const carrier = await carrierOf(
    t,
    (_, response) => void response.end(`{"changes":[${changes}],"cursor":3,"more":false}`),
    taken,
  );
  const step = await carrier.relay("control", 0, 1_000, AbortSignal.timeout(20_000));
  assert.deepEqual(step.refused, [{ section: "yjs_snapshots", key: "b", reason: REASON }]);
  assert.deepEqual([taken, step.cursor, step.blockedBy], [["a", "c"], 3, null]);
});

test("a board that no answer can hold stops neither the relay nor a copy", async (t) => {
  const taken: string[] = [];
  const answer: Answer = ({ url = "" }, response) => {
    if (url.includes("/export")) {
      response.write(`${boardOf("a", 1, "AAA=")}\n${head("b", 2)},"data":{"session_id":"b","state":"`);
      response.write("A".repeat(21_000));
      return void response.end(
        `","updated_at":1}}\n${boardOf("c", 3, "AAA=")}\n{"cursor":3,"full_hash":"${"0".repeat(64)}"}\n`,
      );
    }
    const after = Number(new URL(url, "http://arm").searchParams.get("after"));
    if (after >= 2) return void response.end(`{"changes":[${boardOf("c", 3, "AAA=")}],"cursor":3,"more":false}`);
    response.write(`{"changes":[${head("b", 2)},"data":{"session_id":"b","state":"`);
    response.write("A".repeat(31_000));
    response.end('","updated_at":1}}],"cursor":2,"more":true}');
  };
  const carrier = await carrierOf(t, answer, taken);
  const signal = AbortSignal.timeout(20_000);
  const refused = [{ section: "yjs_snapshots", key: "b", reason: REASON }];
  const step = await carrier.relay("control", 0, 1_000, signal);
  assert.deepEqual([step.refused, step.cursor, step.hasMore, step.blockedBy], [refused, 2, true, null]);
  assert.equal((await carrier.relay("control", step.cursor, 1_000, signal)).cursor, 3);
  assert.deepEqual(taken, ["c"]);
  const copied = await carrier.copy("u", "control", signal);
  assert.deepEqual([copied.refused, copied.cursor, taken], [refused, 3, ["c", "a", "c"]]);
});

test("what a carry has brought is not sent again by the relay, but by a copy it is", async (t) => {
  const taken: string[] = [];
  const page = `{"changes":[${boardOf("a", 1, "AAA=")}],"cursor":1,"more":false}`;
  const whole = `${boardOf("a", 1, "AAA=")}\n{"cursor":1,"full_hash":"${"0".repeat(64)}"}\n`;
  const carrier = await carrierOf(
    t,
    (request, response) => void response.end(request.url?.includes("/export") === true ? whole : page),
    taken,
  );
  const signal = AbortSignal.timeout(20_000);
  await carrier.carry("u", "control", 0, signal);
  assert.deepEqual(taken, ["a"]);
  const step = await carrier.relay("control", 0, 1_000, signal);
  assert.deepEqual([taken, step.skipped, step.cursor], [["a"], 1, 1]);
  await carrier.carry("u", "control", 0, signal);
  assert.deepEqual(taken, ["a"]);
  await carrier.copy("u", "control", signal);
  assert.deepEqual(taken, ["a", "a"]);
});

test("what the relay brings just now a carry waits for, and does not bring it again", async (t) => {
  const taken: string[] = [];
  const page = `{"changes":[${boardOf("a", 1, "AAA=")}],"cursor":1,"more":false}`;
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: allowed, resolve: allow } = Promise.withResolvers<void>();
  const slow: Answer = (request, response, body) => {
    arrive();
    void allowed.then(() => taker(taken)(request, response, body));
  };
  const reads: string[] = [];
  const feed: Answer = ({ url = "" }, response) => {
    reads.push(url);
    response.end(page);
  };
  const urls = { control: [await arm(t, feed)], candidate: [await arm(t, slow)] };
  const sleep = (_: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  const carrier = createStateCarrier({ urls, token: "t", sleep, limits: LIMITS });
  const signal = AbortSignal.timeout(20_000);
  const step = carrier.relay("control", 0, 1_000, signal);
  await arrived;
  const carried = carrier.carry("u", "control", 0, signal);
  while (reads.length < 2) await new Promise((resolve) => setImmediate(resolve));
  allow();
  assert.deepEqual([(await step).applied, (await carried).skipped, taken], [1, 1, ["a"]]);
});

test("what another does not bring in time a carry brings itself", async (t) => {
  const page = `{"changes":[${boardOf("a", 1, "AAA=")}],"cursor":1,"more":false}`;
  const taken: string[] = [];
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  let hasOne = false;
  const second: Answer = (request, response, body) => {
    if (hasOne) taker(taken)(request, response, body);
    hasOne = true;
    arrive();
  };
  const urls = { control: [await arm(t, (_, response) => void response.end(page))], candidate: [await arm(t, second)] };
  const carrier = createStateCarrier({ urls, token: "t", sleep: async () => undefined, limits: LIMITS });
  const over = new AbortController();
  const step = carrier.relay("control", 0, 1_000, over.signal);
  await arrived;
  const carried = await carrier.carry("u", "control", 0, AbortSignal.timeout(20_000));
  assert.deepEqual([carried.applied, taken], [1, ["a"]]);
  over.abort();
  await assert.rejects(step);
});

test("a board that comes again at a later place of the feed is brought again, though its version is the same", async (t) => {
  const taken: string[] = [];
  let seq = 1;
  const carrier = await carrierOf(
    t,
    (_, response) => void response.end(`{"changes":[${boardOf("a", seq, "AAA=")}],"cursor":${seq},"more":false}`),
    taken,
  );
  const signal = AbortSignal.timeout(20_000);
  for (seq = 1; seq <= 2; seq++) await carrier.relay("control", seq - 1, 1_000, signal);
  assert.deepEqual(taken, ["a", "a"]);
});
