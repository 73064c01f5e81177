import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { modelCallKey, modelTokensOf } from "./modelKeys.ts";

const key = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  modelCallKey({ method: "POST", path, headers, body });
const chat = (body: Record<string, unknown>, headers?: Record<string, string>) =>
  key(
    "/chat/completions",
    { model: "m", messages: [{ role: "user", content: "Hi" }], temperature: 0.7, ...body },
    headers,
  );

test("the canonical request of a chat is the one of services §1", () => {
  const { texts, parts } = chat({ response_format: { type: "json_object" } }) ?? {};
  assert.deepEqual(texts, [
    '{"endpoint":"chat","messages":[{"content":"Hi","role":"user"}],"model":"m",' +
      '"response_format":{"type":"json_object"},"temperature":0.7}',
  ]);
  assert.equal(parts, null);
  assert.match(chat({})?.texts[0] ?? "", /"response_format":null/);
});

test("streaming and headers are no part of a key, everything that is asked is", () => {
  const plain = chat({});
  const streamed = chat({ stream: true, stream_options: { include_usage: true } }, { "x-request-id": "r1" });
  assert.deepEqual(plain?.texts, streamed?.texts);
  assert.deepEqual([plain?.form, streamed?.form], ["plain", "stream"]);
  const others = [
    { model: "n" },
    { temperature: 0.8 },
    { messages: [{ role: "user", content: "Ho" }] },
    { messages: [{ role: "system", content: "Hi" }] },
    { messages: [{ role: "user", content: "Hi", name: "x" }] },
    { response_format: { type: "json_object" } },
  ];
  assert.equal(new Set([plain, ...others.map((one) => chat(one))].map((one) => one?.texts[0])).size, others.length + 1);
});

test("the kind is the header's, else the kind line's", () => {
  const messages = [{ role: "system", content: "#kind quiz/1\nText" }];
  assert.equal(chat({ messages }, { "x-model-call": "lesson/1" })?.kind, "lesson/1");
  assert.equal(chat({ messages })?.kind, "quiz/1");
  assert.equal(chat({})?.kind, "chat");
});

test("what is no model call has no key", () => {
  for (const call of [
    key("/models", { model: "m", messages: [] }),
    key("/chat/completions", undefined),
    key("/chat/completions", { messages: [] }),
    key("/chat/completions", { model: "m", messages: "Hi" }),
    key("/embeddings", { model: "m", input: [] }),
    key("/embeddings", { model: "m", input: ["a", 1] }),
    key("/embeddings", { model: "m" }),
    modelCallKey({ method: "GET", path: "/embeddings", headers: {}, body: { model: "m", input: "a" } }),
  ]) {
    assert.equal(call, null);
  }
});

test("an input text has one key in whatever batch it stands", () => {
  const one = key("/embeddings", { model: "m", input: "a" });
  const two = key("/embeddings", { model: "m", input: ["b", "a"], encoding_format: "float" });
  assert.deepEqual([one?.texts.length, two?.texts.length], [1, 2]);
  assert.equal(one?.texts[0], two?.texts[1]);
  assert.equal(one?.texts[0], '{"endpoint":"embeddings","input":["a"],"model":"m"}');
});

const replyOf = (input: readonly string[], tokens: number) => ({
  object: "list",
  data: input.map((text, index) => ({
    object: "embedding",
    index,
    embedding: [text.length, text.codePointAt(0) ?? 0],
  })),
  model: "m",
  usage: { prompt_tokens: tokens, total_tokens: tokens },
});

test("replies taken apart and put together in another batch say the same of every text", () => {
  const inputs = fc.array(fc.string(), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(inputs, fc.nat(10_000), fc.infiniteStream(fc.nat()), (input, tokens, picks) => {
      const recorded = key("/embeddings", { model: "m", input })?.parts;
      const parts = recorded?.split(replyOf(input, tokens));
      assert.ok(parts);
      assert.deepEqual(recorded?.join(parts), replyOf(input, tokens));
      const picked = [...picks.take(5)].map((pick) => pick % input.length);
      const asked = picked.map((at) => input[at] ?? "");
      const joined = key("/embeddings", { model: "m", input: asked })?.parts?.join(picked.map((at) => parts[at]));
      assert.deepEqual((joined as { data: unknown }).data, replyOf(asked, 0).data);
    }),
  );
});

test("a reply is told by its indexes, and one without all of them has no parts", () => {
  const parts = key("/embeddings", { model: "m", input: ["a", "b"] })?.parts;
  const reply = replyOf(["a", "b"], 3);
  const swapped = { ...reply, data: reply.data.toReversed() };
  assert.deepEqual(parts?.join(parts.split(swapped) ?? []), reply);
  for (const bad of [null, {}, { data: [] }, { data: [reply.data[0]] }, { data: [reply.data[0], reply.data[0]] }]) {
    assert.equal(parts?.split(bad), null);
  }
});

test("what a reply has spent is what it says last", () => {
  const usage = (total: number): string =>
    `{"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":${total}}}`;
  assert.equal(modelTokensOf(usage(3)), 3);
  assert.equal(modelTokensOf(`data: {"choices":[],"usage":null}\n\ndata: ${usage(40)}\n\ndata: [DONE]\n\n`), 40);
  assert.equal(modelTokensOf(`${usage(3)}\n${usage(7)}`), 7);
  assert.equal(modelTokensOf('{"choices":[]}'), null);
});
