import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createManualClock } from "../../kernel/index.ts";
import { readJson } from "../json/reader.ts";
import { CASSETTE_LIMITS } from "./limits.ts";
import { differencesOf, nearestRecording } from "./nearest.ts";
import { TapeShelf } from "./tapeShelf.ts";
import { keyFor } from "./testing/keys.ts";

function read(value: unknown) {
  const reading = readJson(JSON.stringify(value));
  assert.ok("value" in reading);
  return reading.value;
}

const told = (recorded: unknown, asked: unknown): string[] =>
  differencesOf(read(recorded), read(asked)).map(
    (one) => `${one.kind} ${one.path} ${one.recorded}→${one.asked}${one.count > 1 ? ` ×${one.count}` : ""}`,
  );

const says = (content: string, role = "user") => ({ role, content });
const request = (...messages: readonly unknown[]) => ({
  model: "m",
  messages,
  temperature: 0.7,
  tools: [{ name: "draw" }],
});

test("tells parameters, tools and messages apart", () => {
  const recorded = request(says("be kind", "system"), says("one"), says("two"));
  const cases: readonly (readonly [asked: unknown, ...expected: string[]])[] = [
    [recorded],
    [{ ...recorded, temperature: 1 }, "value $.temperature decimal→integer"],
    [{ ...recorded, tools: [{ name: "sketch" }] }, "value $.tools[0].name text→text"],
    [{ ...recorded, tools: [] }, "missing $.tools[0] object→null"],
    [request(says("be kind", "system"), says("one"), says("2")), "value $.messages[2].content text→digits"],
    [request(says("be kind", "system"), says("two")), "missing $.messages[1] object→null"],
    [
      request(says("be kind", "system"), says("one"), says("two"), says("x"), says("y")),
      "extra $.messages[3] null→object ×2",
    ],
    [
      request(says("be cruel", "system"), says("one"), says("one and a half"), says("two")),
      "value $.messages[0].content text→text",
      "extra $.messages[2] null→object",
    ],
  ];
  for (const [asked, ...expected] of cases) assert.deepEqual(told(recorded, asked), expected);
});

test("keys that may be values are not told", () => {
  assert.deepEqual(told({ a: 1, "ann@example.test": 1 }, { a: 1, "ann@example.test": 2 }), [
    "value $.* integer→integer",
  ]);
});

test("no text of a request is in what is told", () => {
  const text = fc.string({ minLength: 1 }).map((word) => `secret ${word}`);
  const message = fc.record({ role: fc.constantFrom("user", "system"), content: text });
  const body = fc.record({ model: text, messages: fc.array(message, { maxLength: 6 }) });
  fc.assert(
    fc.property(body, body, (recorded, asked) => {
      const differences = differencesOf(read(recorded), read(asked));
      assert.ok(!JSON.stringify(differences).includes("secret"));
      assert.equal(differences.length > 0, JSON.stringify(recorded) !== JSON.stringify(asked));
    }),
  );
});

test("the nearest is one of the same request, else the most like among the newest of its kind", () => {
  const shelf = new TapeShelf({ limits: CASSETTE_LIMITS, clock: createManualClock(), dropped: () => undefined });
  const record = (ask: unknown, requestId: string): void => shelf.file(shelf.open(requestId), keyFor({ ask }));
  const nearest = (ask: unknown, requestId: string) => {
    const [text = new Uint8Array(0)] = keyFor({ ask }).texts;
    return nearestRecording({ text, requestId }, shelf.ofKind("talk", 20));
  };
  assert.equal(nearest({ a: 1, b: 1 }, "r1"), null);
  record({ a: 1, b: 2 }, "r1");
  record({ a: 9, b: 9 }, "r2");
  record({ a: 5, b: 5, c: 5 }, "r3");
  assert.deepEqual(nearest({ a: 1, b: 1 }, "r9"), {
    key: keyFor({ ask: { a: 1, b: 2 } }).hashes[0],
    requestId: "r1",
    differences: [{ path: "$.ask.b", kind: "value", recorded: "integer", asked: "integer", count: 1 }],
  });
  assert.equal(nearest({ a: 1, b: 1 }, "r2")?.requestId, "r2");
});
