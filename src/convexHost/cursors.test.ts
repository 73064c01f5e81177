import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createCursorSeal, InvalidCursor, makeCursorKey, type PagePosition } from "./cursors.ts";

const key = makeCursorKey();
const seal = createCursorSeal(key);

const positions: fc.Arbitrary<PagePosition> = fc.oneof(
  fc.constant<PagePosition>({ at: "start" }),
  fc.constant<PagePosition>({ at: "end" }),
  fc.uint8Array({ maxLength: 80 }).map((bytes): PagePosition => ({ at: "after", key: new Uint8Array(bytes) })),
);

test("a cursor leads back to its position, is the same each time, and outlives a restart", () => {
  fc.assert(
    fc.property(positions, fc.string(), (position, query) => {
      const cursor = seal.seal(position, query);
      assert.deepEqual(seal.open(cursor, query), position);
      assert.equal(createCursorSeal(key).seal(position, query), cursor);
    }),
  );
});

test("a cursor shows nothing of the index key that it holds", () => {
  const cursor = seal.seal({ at: "after", key: Buffer.from("a private title") }, "query");
  assert.ok(!Buffer.from(cursor, "base64url").includes("private"));
});

test("a cursor of another query, of another deployment, changed or made up is refused", () => {
  const cursor = seal.seal({ at: "after", key: Uint8Array.of(1, 2, 3) }, "query");
  const flipped = Buffer.from(cursor, "base64url");
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const refuse = (text: string, query = "query", by = seal) => assert.throws(() => by.open(text, query), InvalidCursor);
  refuse(cursor, "other query");
  refuse(cursor, "query", createCursorSeal(makeCursorKey()));
  refuse(flipped.toString("base64url"));
  refuse("");
  refuse("end");
  refuse(cursor.slice(0, 30));
  assert.throws(() => seal.open("end", "query"), /InvalidCursor/);
});
