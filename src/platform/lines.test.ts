import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Line, linesOf } from "./lines.ts";

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) yield bytes.subarray(at, (at += size));
  yield bytes.subarray(at);
}

async function all(lines: AsyncIterable<Line>): Promise<Line[]> {
  const found: Line[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

test("lines come out whole, however the bytes are cut", async () => {
  const texts = fc.array(fc.string({ unit: "grapheme", minLength: 1 }).map((text) => text.replaceAll("\n", "é")));
  await fc.assert(
    fc.asyncProperty(texts, fc.array(fc.nat(9)), fc.boolean(), async (lines, sizes, hasEnd) => {
      const bytes = Buffer.from(lines.join("\n") + (hasEnd ? "\n" : ""));
      const found = await all(linesOf(inPieces(bytes, sizes), 10_000));
      assert.deepEqual(
        found,
        lines.map((text) => ({ text: Buffer.from(text).toString(), isCut: false })),
      );
    }),
  );
});

test("of a line that is too long only the beginning is kept, and the next ones are read", async () => {
  const bytes = Buffer.from(`a\n${"b".repeat(50_000)}\nc`);
  const found = await all(linesOf(inPieces(bytes, Array(60).fill(900)), 20_000));
  assert.deepEqual(found, [
    { text: "a", isCut: false },
    { text: "b".repeat(4_096), isCut: true },
    { text: "c", isCut: false },
  ]);
});
