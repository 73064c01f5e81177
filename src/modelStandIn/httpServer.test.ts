import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { startStandIn, type StandIn } from "./httpServer.ts";
import { readSettings } from "./settings.ts";
import { chatBody, executorMessages, kindMessages, replyToMessages } from "./testSupport.ts";

const lines: Readonly<Record<string, unknown>>[] = [];
const ENV = { PORT: "0", STANDIN_CHUNK_MS: "0", STANDIN_DELAY_MS: "0", ALLOW_FAULT_HEADERS: "1" };
let standIn: StandIn;
let base: string;
let client: OpenAI;

before(async () => {
  standIn = await startStandIn(readSettings(ENV), (line) => lines.push(line));
  base = `http://127.0.0.1:${standIn.port}`;
  client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "any", maxRetries: 0, timeout: 10_000 });
});
after(() => standIn.stop());

const plain = (message: string) => client.chat.completions.create(asRequest(message));
const asRequest = (message: string) =>
  chatBody(executorMessages(message)) as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming;
const streamed = (message: string) =>
  client.chat.completions.create({ ...asRequest(message), stream: true, stream_options: { include_usage: true } });

const post = (path: string, body: string, headers: Record<string, string> = { authorization: "Bearer x" }) =>
  fetch(`${base}${path}`, { method: "POST", body, headers });
const switchFaults = (text: string) => fetch(`${base}/faults`, { method: "PUT", body: text });

async function collect(message: string) {
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of await streamed(message)) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks: readonly OpenAI.ChatCompletionChunk[]): string =>
  chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

test("a plain completion has the derived id, the fixed time and the counted usage", async () => {
  const answer = await plain("What is osmosis?");
  const text = answer.choices[0]?.message.content ?? "";
  const prompt = executorMessages("What is osmosis?").reduce((sum, { content }) => sum + content.length, 0);
  assert.match(answer.id, /^chatcmpl-[0-9a-f]{24}$/);
  assert.deepEqual([answer.created, answer.choices[0]?.finish_reason], [1_700_000_000, "stop"]);
  assert.deepEqual(answer.usage, {
    prompt_tokens: Math.ceil(prompt / 4),
    completion_tokens: Math.ceil(text.length / 4),
    total_tokens: Math.ceil(prompt / 4) + Math.ceil(text.length / 4),
  });
  assert.deepEqual((await plain("What is osmosis?")).choices, answer.choices);
});

test("a stream says the same in pieces of twelve code points, then stop, then usage", async () => {
  const message = "quote 😀😀😀😀😀😀😀😀😀😀😀😀😀😀 please";
  const whole = await plain(message);
  const chunks = await collect(message);
  const pieces = chunks.map((chunk) => chunk.choices[0]?.delta.content).filter((piece) => piece !== undefined);
  assert.equal(pieces.join(""), whole.choices[0]?.message.content);
  assert.ok(pieces.slice(0, -1).every((piece) => Array.from(piece ?? "").length === 12));
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, "stop");
  assert.deepEqual([chunks.at(-1)?.choices, chunks.at(-1)?.usage], [[], whole.usage]);
  assert.ok(chunks.every(({ id }) => id === whole.id));
});

test("usage is only streamed when asked for, and [DONE] ends every stream", async () => {
  const body = JSON.stringify({ ...chatBody(executorMessages("Hi")), stream: true });
  const response = await post("/v1/chat/completions", body);
  const events = (await response.text()).trim().split("\n\n");
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.equal(events.at(-1), "data: [DONE]");
  assert.ok(events.every((event) => event.startsWith("data: ") && !event.includes("usage")));
});

test("an embedding in either encoding is the same vector", async () => {
  const input = ["plants make energy", "", "plants"];
  const [floats, packed] = await Promise.all([
    client.embeddings.create({ model: "text-embedding-3-small", input, encoding_format: "float" }),
    client.embeddings.create({ model: "text-embedding-3-small", input }),
  ]);
  assert.deepEqual(
    floats.data.map(({ index, embedding }) => [index, embedding.length]),
    [
      [0, 256],
      [1, 256],
      [2, 256],
    ],
  );
  for (const [i, { embedding }] of packed.data.entries()) {
    assert.ok(embedding.every((x, k) => Math.abs(x - (floats.data[i]?.embedding[k] ?? 9)) < 1e-6));
  }
  assert.equal(floats.usage.total_tokens, Math.ceil(24 / 4));
});

test("dimensions are honoured", async () => {
  const { data } = await client.embeddings.create({ model: "m", input: "a b", dimensions: 12 });
  assert.equal(data[0]?.embedding.length, 12);
});

test("models are listed", async () => {
  const names: string[] = [];
  for await (const { id } of client.models.list()) names.push(id);
  assert.deepEqual(names, ["gpt-4.1-2025-04-14", "text-embedding-3-small"]);
});

test("429 says when to come back, 500 is a server error", async () => {
  await assert.rejects(plain("!429"), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.equal(error.headers.get("retry-after"), "1");
    return true;
  });
  await assert.rejects(streamed("!500"), OpenAI.InternalServerError);
});

test("!cut destroys a stream after half of its pieces", async () => {
  const whole = await plain("!cut osmosis").catch(() => null);
  assert.equal(whole, null);
  const seen: OpenAI.ChatCompletionChunk[] = [];
  await assert.rejects(async () => {
    for await (const chunk of await streamed("!cut osmosis")) seen.push(chunk);
  });
  const { text } = replyToMessages(executorMessages("!cut osmosis"));
  assert.equal(seen.length, Math.floor(Math.ceil(text.length / 12) / 2));
  assert.equal(textOf(seen), text.slice(0, seen.length * 12));
  assert.ok(seen.every((chunk) => chunk.choices[0]?.finish_reason === null));
});

test("!cut on a plain reply breaks off after the headers", async () => {
  const response = await post("/v1/chat/completions", JSON.stringify(chatBody(executorMessages("!cut"))));
  assert.equal(response.status, 200);
  await assert.rejects(response.text());
});

test("!slow waits its time and answers", async () => {
  const start = performance.now();
  await plain("!slow=120 hello");
  assert.ok(performance.now() - start >= 115);
});

test("a client that leaves ends its wait: the server stops at once afterwards", async () => {
  const own = await startStandIn(readSettings(ENV), () => undefined);
  const controller = new AbortController();
  const body = JSON.stringify(chatBody(executorMessages("!slow=60000")));
  const pending = fetch(`http://127.0.0.1:${own.port}/v1/chat/completions`, {
    method: "POST",
    body,
    headers: { authorization: "Bearer x" },
    signal: controller.signal,
  });
  setImmediate(() => controller.abort());
  await assert.rejects(pending);
  const start = performance.now();
  await own.stop();
  assert.ok(performance.now() - start < 5_000);
});

test("stopping lets a running stream finish", async () => {
  const own = await startStandIn(readSettings({ ...ENV, STANDIN_CHUNK_MS: "10" }), () => undefined);
  const response = await fetch(`http://127.0.0.1:${own.port}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ ...chatBody(executorMessages("Hi")), stream: true }),
    headers: { authorization: "Bearer x" },
  });
  const [text] = await Promise.all([response.text(), own.stop()]);
  assert.ok(text.endsWith("data: [DONE]\n\n"));
  await assert.rejects(fetch(`http://127.0.0.1:${own.port}/healthz`));
});

test("any non-empty bearer is let in, none is not; health asks for nothing", async () => {
  const body = JSON.stringify(chatBody(executorMessages("Hi")));
  assert.equal((await post("/v1/chat/completions", body, {})).status, 401);
  assert.equal((await post("/v1/chat/completions", body, { authorization: "Bearer " })).status, 401);
  assert.equal((await post("/v1/chat/completions", body, { authorization: "bearer a" })).status, 200);
  assert.deepEqual(await (await fetch(`${base}/healthz`)).json(), { status: "ok" });
});

test("wrong paths, methods and bodies are refused in the API's shape", async () => {
  const statuses = await Promise.all([
    post("/v1/completions", "{}"),
    post("/v1/constructor", "{}"),
    fetch(`${base}/v1/embeddings`, { headers: { authorization: "Bearer x" } }),
    post("/v1/chat/completions", "{"),
    post("/v1/embeddings", '{"model":"m","input":7}'),
  ]);
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [404, 404, 405, 400, 400],
  );
  assert.equal(statuses[2]?.headers.get("allow"), "POST");
  for (const response of statuses) {
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
  }
});

test("a body above the limit is refused without reading on", async () => {
  const outcome = await post("/v1/chat/completions", "x".repeat(9 * 1_048_576)).then(
    ({ status }) => status,
    () => "reset",
  );
  assert.ok(outcome === 413 || outcome === "reset", String(outcome));
});

test("the fault switch hits every request until it is off", async (t) => {
  t.after(() => switchFaults(""));
  assert.equal((await switchFaults("m429")).status, 204);
  await assert.rejects(plain("Hi"), OpenAI.RateLimitError);
  await assert.rejects(client.embeddings.create({ model: "m", input: "a" }), OpenAI.RateLimitError);
  await switchFaults("mbadjson");
  assert.ok(!(await plain("Hi")).choices[0]?.message.content?.startsWith("{"));
  await switchFaults("mslow:1:60");
  const start = performance.now();
  await plain("Hi");
  assert.ok(performance.now() - start >= 55);
  await switchFaults("mcut");
  await assert.rejects(plain("Hi"));
  assert.equal(await (await fetch(`${base}/faults`)).text(), "mcut:1");
});

test("a wrong switch changes nothing", async () => {
  assert.equal((await switchFaults("nonsense")).status, 400);
  assert.equal(await (await fetch(`${base}/faults`)).text(), "");
});

test("without permission there is no switch", async () => {
  const own = await startStandIn(readSettings({ PORT: "0" }), () => undefined);
  const response = await fetch(`http://127.0.0.1:${own.port}/faults`, { method: "PUT", body: "m429" });
  assert.equal(response.status, 404);
  await own.stop();
});

test("the request id is echoed and logged; texts and tokens never are", async () => {
  const body = JSON.stringify(chatBody(kindMessages("chat/1", "a secret sentence")));
  const headers = { authorization: "Bearer secret-token", "x-request-id": "r-77" };
  const response = await post("/v1/chat/completions", body, headers);
  assert.equal(response.headers.get("x-request-id"), "r-77");
  await response.text();
  const line = lines.find(({ requestId }) => requestId === "r-77");
  assert.deepEqual([line?.["route"], line?.["status"], line?.["kind"]], ["/v1/chat/completions", 200, "chat/1"]);
  assert.ok(!JSON.stringify(lines).includes("secret"));
});

test("a port in use is the system's own error", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as { port: number };
  await assert.rejects(
    startStandIn(readSettings({ PORT: String(port) }), () => undefined),
    { code: "EADDRINUSE" },
  );
  blocker.close();
});
