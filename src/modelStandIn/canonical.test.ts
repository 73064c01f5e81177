import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, type Json } from "./canonical.ts";
import { readChatRequest, readEmbeddingsRequest, RequestError } from "./request.ts";
import { replyTo } from "./reply.ts";
import { chatBody, executorMessages, user } from "./testSupport.ts";

const keyOf = (body: unknown): string => readChatRequest(JSON.stringify(body)).key;

test("canonical JSON sorts keys by UTF-16 code unit and writes node's numbers", () => {
  assert.equal(
    canonicalJson({ "\ufb33": -0, "😀": 1e21, "10": [1, { b: null, a: "é\n" }], "2": true }),
    '{"10":[1,{"a":"é\\n","b":null}],"2":true,"😀":1e+21,"\ufb33":0}',
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value as Json)), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("the key is the SHA-256 of the canonical request", () => {
  const body = chatBody([user("Hi")], { response_format: { type: "json_object" } });
  const text =
    '{"endpoint":"chat","messages":[{"content":"Hi","role":"user"}],"model":"gpt-4.1-2025-04-14","response_format":{"type":"json_object"},"temperature":0.7}';
  assert.equal(keyOf(body), createHash("sha256").update(text).digest("hex"));
});

test("streaming flags, key order and unknown members do not change the key; everything else does", () => {
  const body = chatBody([user("Hi")]);
  const key = keyOf(body);
  assert.equal(keyOf({ ...body, stream: true, stream_options: { include_usage: true }, user: "x" }), key);
  assert.equal(keyOf(Object.fromEntries(Object.entries(body).reverse())), key);
  for (const other of [
    { ...body, model: "m" },
    { ...body, temperature: 0.8 },
    { ...body, response_format: { type: "json_object" } },
    chatBody([user("Hi ")]),
    chatBody([user("Hi"), user("Hi")]),
  ]) {
    assert.notEqual(keyOf(other), key);
  }
});

test("lone surrogates are U+FFFD before anything else", () => {
  assert.equal(keyOf(chatBody([user("a\ud800")])), keyOf(chatBody([user("a\ufffd")])));
});

test("the reply is a function of the canonical request and of nothing else", () => {
  fc.assert(
    fc.property(fc.string(), fc.boolean(), (message, stream) => {
      const body = chatBody(executorMessages(message));
      const once = replyTo(readChatRequest(JSON.stringify(body)));
      const again = replyTo(
        readChatRequest(JSON.stringify({ ...body, stream, stream_options: { include_usage: stream } })),
      );
      assert.deepEqual(again, once);
    }),
  );
});

test("bodies the API refuses are named by their member", () => {
  const refused: [string, string | null][] = [
    ["", null],
    ["[]", null],
    ["{", null],
    ["[".repeat(5_000), null],
    ['{"messages":[]}', "model"],
    ['{"model":"m"}', "messages"],
    ['{"model":"m","messages":[]}', "messages"],
    ['{"model":"m","messages":[{"role":"user","content":[]}]}', "messages[0]"],
    ['{"model":"m","messages":[null]}', "messages[0]"],
  ];
  for (const [body, param] of refused) {
    assert.throws(
      () => readChatRequest(body),
      (error) => error instanceof RequestError && error.param === param,
      body.slice(0, 60),
    );
  }
});

test("embedding requests take a text or a list of texts, nothing else", () => {
  const read = (more: object) => readEmbeddingsRequest(JSON.stringify({ model: "m", ...more }));
  assert.deepEqual(read({ input: "a" }), { model: "m", input: ["a"], dimensions: 256, encoding: "float" });
  for (const more of [
    {},
    { input: [] },
    { input: [1] },
    { input: "a", dimensions: 0 },
    { input: "a", dimensions: 1.5 },
    { input: "a", encoding_format: "hex" },
  ]) {
    assert.throws(() => read(more), RequestError, JSON.stringify(more));
  }
});
