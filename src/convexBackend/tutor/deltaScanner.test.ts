import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createDeltaScanner } from "./deltaScanner.ts";

function scan(reply: string, cuts: readonly number[] = []): { deltas: string[]; text: string } {
  const scanner = createDeltaScanner();
  const bounds = [0, ...[...cuts].map((cut) => cut % (reply.length + 1)).sort((a, b) => a - b), reply.length];
  const deltas = bounds.slice(1).map((end, i) => scanner.push(reply.slice(bounds[i], end)));
  return { deltas, text: deltas.join("") };
}

const text = fc.string({ unit: "binary", maxLength: 60 });
const cuts = fc.array(fc.nat(400), { maxLength: 40 });

test("whatever the pieces, the deltas add up to the text and split no pair", () => {
  fc.assert(
    fc.property(text, text, cuts, (value, title, at) => {
      const reply = JSON.stringify({ name: "explain", args: { title, text: value, topic: title } });
      const { deltas, text: all } = scan(reply, at);
      assert.equal(all, value.toWellFormed());
      for (const delta of deltas) assert.ok(delta.isWellFormed());
    }),
  );
});

test("escapes are decoded wherever they are cut", () => {
  fc.assert(
    fc.property(text, cuts, (value, at) => {
      const escaped = Array.from(
        { length: value.length },
        (_, i) => `\\u${value.charCodeAt(i).toString(16).padStart(4, "0")}`,
      );
      assert.equal(scan(`{"name":"explain","args":{"text":"${escaped.join("")}"}}`, at).text, value.toWellFormed());
    }),
  );
});

test("nothing is given away before the name, for another tool, or outside args.text", () => {
  for (const reply of [
    '{"args":{"text":"late"},"name":"explain"}',
    '{"name":"draw","args":{"text":"no"}}',
    '{"name":"explain","args":{"title":"no","inner":{"text":"no"},"list":["text","no"]}}',
    '{"name":"explain","text":"no","args":{}}',
    '{"name":"explain","args":[{"text":"no"}]}',
    'no object "name":"explain"',
  ]) {
    assert.equal(scan(reply).text, "", reply);
  }
});

test("prose and a fence before the object are passed over", () => {
  assert.equal(scan('Sure!\n```json\n{"name":"explain","args":{"text":"yes"}}\n```').text, "yes");
});

test("a lone half of a pair becomes the replacement character", () => {
  assert.equal(scan('{"name":"explain","args":{"text":"a\\ud83dz\\ude00"}}').text, "a\uFFFDz\uFFFD");
});
