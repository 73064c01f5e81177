import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readEventStream } from "./eventStream.ts";

test("order, ids and what was said, by the name of the event", () => {
  const text =
    'event: start\nid: 1\ndata: {"n":1}\n\n: beat\n\ndata: Plants \n\ndata: need\r\ndata: light\n\nevent: end\ndata:\n\n';
  assert.deepEqual(readEventStream(text), {
    order: ["start", "message", "end"],
    ids: ["1"],
    data: { start: [{ n: 1 }], message: "Plants need\nlight", end: "" },
    hasComments: true,
    isWhole: true,
  });
});

test("an event that was cut off shows, and one without data is none", () => {
  const cut = readEventStream("data: a\n\ndata: b") as Record<string, unknown>;
  assert.deepEqual([cut["isWhole"], cut["data"]], [false, { message: "a" }]);
  assert.deepEqual((readEventStream("event: odd\n\n") as Record<string, unknown>)["order"], []);
});

test("a text may be cut into events anywhere", () => {
  const piece = fc.string({ minLength: 1 }).map((text) => text.replace(/[\r\n\uFEFF]/g, "x"));
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1 }), (pieces) => {
      // A text that is an object of JSON by itself would be read as one.
      const stream = (parts: readonly string[]): string => parts.map((part) => `data: ${part}\n\n`).join("");
      const one = readEventStream(stream(["~", ...pieces]));
      const other = readEventStream(stream([`~${pieces.join("")}`]));
      assert.deepEqual(one, other);
    }),
  );
});
