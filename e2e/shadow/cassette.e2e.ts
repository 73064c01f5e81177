// The completion cassette before the real stand-in model, with the application's key function (shadow §12, §17 row 19).
import assert from "node:assert/strict";
import { Agent, request as httpRequest } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { modelCallKey } from "../../src/contract/index.ts";
import { systemClock } from "../../src/kernel/index.ts";
import { type Cassette, type CassetteMiss, createCassette } from "../../src/shadow/index.ts";
import { eventually, nonce, type Service, startStandIn } from "../support/index.ts";

const HERE = { host: "127.0.0.1", port: 0 };
const CHUNK_MS = 8;

let model: Service;
let cassette: Cassette;
let [recordUrl, replayUrl] = ["", ""];
const misses: CassetteMiss[] = [];
const counted: Record<string, number> = {};

const startCassette = (provider: string): Cassette => {
  const count = (name: string): void => void (counted[name] = (counted[name] ?? 0) + 1);
  return createCassette({
    provider: `${provider}/v1`,
    record: HERE,
    replay: HERE,
    keyOf: modelCallKey,
    clock: systemClock,
    counters: { replayed: count, dropped: count },
    log: () => undefined,
    limits: { waitMs: 500 },
    onMiss: (miss) => void misses.push(miss),
  });
};

before(async () => {
  model = await startStandIn({ STANDIN_CHUNK_MS: String(CHUNK_MS) });
  cassette = startCassette(model.baseUrl);
  ({ recordUrl, replayUrl } = await cassette.start());
});
after(async () => {
  await cassette.close();
  await model.stop();
});

interface Heard {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly contentType: string | undefined;
  /** As they came, in hexadecimal. */
  readonly pieces: readonly string[];
  readonly body: Buffer;
  readonly isWhole: boolean;
  readonly betweenMs: number;
}

interface Ask {
  readonly id?: string;
  readonly path?: string;
  readonly signal?: AbortSignal;
  readonly onPiece?: () => void;
}

function ask(baseUrl: string, body: unknown, { id, path = "/chat/completions", signal, onPiece }: Ask = {}) {
  const text = JSON.stringify(body);
  return new Promise<Heard>((resolve, reject) => {
    const outgoing = httpRequest(`${baseUrl}${path}`, {
      method: "POST",
      agent: new Agent(),
      headers: {
        authorization: "Bearer secret-of-the-arm",
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        "x-model-call": path === "/embeddings" ? "embedding" : "tutor.executor/1",
        ...(id !== undefined && { "x-request-id": id }),
      },
      ...(signal && { signal }),
    });
    let isAnswered = false;
    outgoing.on("error", (error) => isAnswered || reject(error));
    outgoing.on("response", (answer) => {
      isAnswered = true;
      const pieces: Buffer[] = [];
      const times: number[] = [];
      answer.on("data", (piece: Buffer) => {
        pieces.push(piece);
        times.push(performance.now());
        onPiece?.();
      });
      answer.on("error", () => undefined);
      answer.on("close", () =>
        resolve({
          status: answer.statusCode ?? 0,
          retryAfter: answer.headers["retry-after"],
          contentType: answer.headers["content-type"],
          pieces: pieces.map((piece) => piece.toString("hex")),
          body: Buffer.concat(pieces),
          isWhole: answer.complete,
          betweenMs: (times.at(-1) ?? 0) - (times[0] ?? 0),
        }),
      );
    });
    outgoing.end(text);
  });
}

const chat = (message: string, more: Readonly<Record<string, unknown>> = {}) => ({
  model: "gpt-4.1-2025-04-14",
  messages: [
    { role: "system", content: "#kind tutor.executor/1\nYou are a patient tutor." },
    { role: "user", content: message },
  ],
  temperature: 0.7,
  ...more,
});
const STREAM = { stream: true, stream_options: { include_usage: true } };
const facts = ({ betweenMs: _, ...heard }: Heard) => heard;

test("streamed and plain, good and failed: the replay is the record, byte by byte and piece by piece", async () => {
  const cases = [
    chat(`Explain ${nonce()}`, STREAM),
    chat(`Explain ${nonce()}`),
    chat(`draw ${nonce()}`, { response_format: { type: "json_object" } }),
    chat(`!429 ${nonce()}`, STREAM),
    chat(`!500 ${nonce()}`),
    chat(`!cut ${nonce()}`, STREAM),
    chat(`!cut ${nonce()}`),
    { model: "gpt-4.1-2025-04-14", messages: [] },
  ];
  for (const body of cases) {
    const id = nonce();
    const direct = await ask(`${model.baseUrl}/v1`, body, { id });
    const served = await ask(recordUrl, body, { id });
    const replayed = await ask(replayUrl, body, { id });
    assert.deepEqual(facts(replayed), facts(served));
    assert.deepEqual([served.status, served.body, served.isWhole], [direct.status, direct.body, direct.isWhole]);
  }
  assert.equal(misses.length, 0);
});

test("gaps are kept", async () => {
  const body = chat(`Explain slowly ${nonce()}`, STREAM);
  const served = await ask(recordUrl, body, { id: "gaps" });
  const replayed = await ask(replayUrl, body, { id: "gaps" });
  assert.ok(served.pieces.length > 5 && served.betweenMs > 4 * CHUNK_MS);
  assert.ok(replayed.betweenMs >= served.betweenMs * 0.8, `${replayed.betweenMs} ms instead of ${served.betweenMs}`);
});

test("a shadow that is early waits, one that is in time joins, and the streaming flag does not matter to the key", async () => {
  const joinedBefore = counted["joined"] ?? 0;
  const early = chat(`early ${nonce()}`, STREAM);
  const replaying = ask(replayUrl, early, { id: "early" });
  await eventually(() => assert.equal(cassette.stats().waiting, 1));
  const served = await ask(recordUrl, early, { id: "early" });
  assert.deepEqual(facts(await replaying), facts(served));

  const message = `joined ${nonce()}`;
  const joining = chat(message, STREAM);
  let replayed: Promise<Heard> | undefined;
  const onPiece = (): void => void (replayed ??= ask(replayUrl, joining, { id: "join" }));
  const other = await ask(recordUrl, joining, { id: "join", onPiece });
  assert.deepEqual((await replayed)?.pieces, other.pieces);
  assert.equal((counted["joined"] ?? 0) - joinedBefore, 2);
  assert.deepEqual((await ask(replayUrl, chat(message), { id: "elsewhere" })).pieces, other.pieces);
});

test("two calls at once of one key, and as many tries as the served arm made", async () => {
  const body = chat(`!429 twice ${nonce()}`);
  const ids = { id: nonce() };
  const served = await Promise.all([ask(recordUrl, body, ids), ask(recordUrl, body, ids)]);
  const replayed = await Promise.all([ask(replayUrl, body, ids), ask(replayUrl, body, ids)]);
  assert.deepEqual(
    [...served, ...replayed].map(({ status, retryAfter }) => [status, retryAfter]),
    Array.from({ length: 4 }, () => [429, "1"]),
  );
});

test("embeddings are replayed text by text, whatever the batches were", async () => {
  const words = Array.from({ length: 6 }, (_, at) => `text ${at} ${nonce()}`);
  const body = (...input: string[]) => ({ model: "text-embedding-3-small", input, encoding_format: "float" });
  const options = { id: nonce(), path: "/embeddings" };
  const [a = "", b = "", c = "", d = "", e = "", f = ""] = words;
  for (const batch of [[a, b], [c, d, e], [f]]) await ask(recordUrl, body(...batch), options);
  const vectors = async (url: string, batch: readonly string[]) => {
    const { status, body: bytes } = await ask(url, body(...batch), options);
    assert.equal(status, 200);
    const { object, model: name, data } = JSON.parse(bytes.toString()) as Record<string, unknown>;
    return { object, name, data };
  };
  for (const batch of [[f, a], [b, c, d], [e], [a, a], words]) {
    assert.deepEqual(await vectors(replayUrl, batch), await vectors(`${model.baseUrl}/v1`, batch));
  }
  const same = await ask(recordUrl, body(a, b), options);
  assert.deepEqual((await ask(replayUrl, body(a, b), { ...options, id: "again" })).body, same.body);
});

test("every prompt that is not the served one is missed, and shown beside it without its words", async () => {
  misses.length = 0;
  const word = nonce();
  const id = nonce();
  const body = chat(`Explain ${word}`, STREAM);
  await ask(recordUrl, body, { id });
  const changes = [
    [{ ...body, temperature: 0.2 }, "$.temperature"],
    [{ ...body, model: "other" }, "$.model"],
    [{ ...body, messages: [body.messages[0], { role: "user", content: `Explain ${word}!` }] }, "$.messages[1].content"],
    [{ ...body, messages: [...body.messages, { role: "user", content: word }] }, "$.messages[2]"],
    [{ ...body, messages: body.messages.slice(1) }, "$.messages[0]"],
    [{ ...body, response_format: { type: "json_object" } }, "$.response_format"],
  ] as const;
  const statuses = await Promise.all(changes.map(async ([asked]) => (await ask(replayUrl, asked, { id })).status));
  assert.deepEqual(
    statuses,
    Array.from(changes, () => 424),
  );
  const paths = misses.map(({ nearest }) => nearest?.differences.map(({ path }) => path).join());
  assert.deepEqual(paths.toSorted(), changes.map(([, path]) => path).toSorted());
  assert.ok(
    misses.every((miss) => miss.kind === "tutor.executor/1" && miss.requestId === id && miss.reason === "none"),
  );
  const page = await fetch(`${new URL(replayUrl).origin}/misses?since=0`);
  const text = await page.text();
  assert.deepEqual(JSON.parse(text), cassette.misses(0));
  assert.ok(!text.includes(word) && !text.includes("secret-of-the-arm"));
});

/** Stands before the model, which says nothing of a call before its end, and knows what has been handed to it. */
async function startPipe(port: number) {
  const sockets = new Set<Socket>();
  let handed = "";
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
    near.on("data", (chunk) => void far.write(chunk, (error) => (error ? undefined : (handed += chunk.toString()))));
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hasHanded: (text: string) => handed.includes(text),
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test("a client that leaves ends the model's call within 200 ms, and the replay ends at the same place", async (t) => {
  const pipe = await startPipe(model.port);
  const own = startCassette(pipe.url);
  t.after(async () => {
    await own.close();
    await pipe.stop();
  });
  const urls = await own.start();
  const leaving = new AbortController();
  const word = nonce();
  const body = chat(`A long one ${word} !slow=60000`, STREAM);
  const id = nonce();
  const lines = (): number => model.logLines().filter(({ requestId }) => requestId === id).length;
  const serving = ask(urls.recordUrl, body, { id, signal: leaving.signal });
  await eventually(() => assert.ok(pipe.hasHanded(word), "the call is at the model"));
  assert.equal(lines(), 0);
  const leftAt = performance.now();
  leaving.abort();
  await assert.rejects(serving);
  // The stand-in writes its line when the call has ended.
  await eventually(() => assert.equal(lines(), 1), 2_000, 5);
  const tookMs = performance.now() - leftAt;
  assert.ok(tookMs <= 200, `the model's call went on for ${tookMs} ms`);
  await assert.rejects(ask(urls.replayUrl, body, { id }), { code: "ECONNRESET" });
});
