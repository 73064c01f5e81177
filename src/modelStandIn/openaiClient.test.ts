// The stand-in seen through the official client: what the arms rely on must be what that client understands.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { startStandIn, type StandIn } from "./httpServer.ts";
import { readSettings } from "./settings.ts";
import { chatBody, executorMessages, replyToMessages } from "./testSupport.ts";

let standIn: StandIn;
let base: string;
let client: OpenAI;

before(async () => {
  const env = { PORT: "0", STANDIN_CHUNK_MS: "0", STANDIN_DELAY_MS: "0", ALLOW_FAULT_HEADERS: "1" };
  standIn = await startStandIn(readSettings(env), () => undefined);
  base = `http://127.0.0.1:${standIn.port}`;
  client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "any", maxRetries: 0, timeout: 10_000 });
});
after(() => standIn.stop());

const asRequest = (message: string) =>
  chatBody(executorMessages(message)) as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming;
const plain = (message: string) => client.chat.completions.create(asRequest(message));
const streamed = (message: string) =>
  client.chat.completions.create({ ...asRequest(message), stream: true, stream_options: { include_usage: true } });
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

test("!slow waits its time and answers", async () => {
  const start = performance.now();
  await plain("!slow=120 hello");
  assert.ok(performance.now() - start >= 115);
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
