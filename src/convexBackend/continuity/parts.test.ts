// The parts that need no deployment.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import * as Y from "yjs";
import { canonicalJson, did } from "../../contract/index.ts";
import { createSectionHash, rowTexts, topHashes, withoutTimes } from "./digest.ts";
import { createPlaces } from "./places.ts";
import { plainContent } from "./plainContent.ts";
import { createRowNumbers } from "./rowNumbers.ts";
import { createSpool } from "./spool.ts";

const sha = (value: unknown): string => createHash("sha256").update(canonicalJson(value)).digest("hex");
const sectionOf = (rows: readonly unknown[]) => {
  const hash = createSectionHash();
  for (const row of rows) hash.add(rowTexts(row));
  return hash.end();
};

test("a section's hashes are those of the canonical array, whole and without times", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), (rows) => {
      const expected = { count: rows.length, hash: sha(rows.map(withoutTimes)), full_hash: sha(rows) };
      assert.deepEqual(sectionOf(rows), expected);
    }),
  );
});

test("times are taken out at every depth, and nothing else", () => {
  const row = { created_at: 1, a: [{ last_accessed: "x", timestamps: 1, time: 2 }], text: "created_at" };
  assert.deepEqual(withoutTimes(row), { a: [{ timestamps: 1 }], text: "created_at" });
});

test("the top hashes are those of the sections' own, by kind", () => {
  const sections = { b: sectionOf([1]), a: sectionOf([]) };
  assert.equal(topHashes(sections).full_hash, sha([sections.a.full_hash, sections.b.full_hash]));
  assert.equal(topHashes(sections).hash, sha([sections.a.hash, sections.b.hash]));
});

test("row numbers are found in any order, above and below the highest known, and not without end", () => {
  const ids = new Set([3, 900, 4_000].map((row) => did("log", "s", row)));
  const numbers = createRowNumbers();
  assert.deepEqual([...numbers.of("interaction_logs", "s", ids, 500).values()].toSorted(), [3, 4_000, 900]);
  assert.equal(numbers.of("concept_events", "s", ids, 500).size, 0);
  for (let i = 0; i < 3; i += 1) numbers.of("interaction_logs", "s", new Set(["no such id"]), 0);
  assert.equal(numbers.of("interaction_logs", "s", new Set([did("log", "s", 1_500)]), 0).size, 0);
  assert.equal(numbers.of("interaction_logs", "s", new Set([did("log", "s", 1_000)]), 0).size, 1);
});

test("texts come back from memory and from the file alike", async () => {
  const spool = createSpool(10);
  const texts = ["short", "längere Zeile ☃", "", "x".repeat(1_000)];
  const spooled = [];
  for (const text of texts) spooled.push(await spool.put(text));
  const back = [];
  for (const each of spooled.toReversed()) back.push(await spool.get(each));
  assert.deepEqual(back.toReversed(), texts);
  assert.deepEqual(
    spooled.map((each) => typeof each),
    ["string", "object", "string", "object"],
  );
  await spool.close();
});

test("places are given in the order of asking, also after a failure, and no more wait than may", async () => {
  const places = createPlaces(1, 2);
  const order: number[] = [];
  const gate = Promise.withResolvers<void>();
  const first = places.take(() => gate.promise.then(() => Promise.reject(new Error("no"))));
  const second = places.take(async () => void order.push(2));
  const third = places.take(async () => void order.push(3));
  await assert.rejects(
    places.take(async () => undefined),
    /Too many/,
  );
  gate.resolve();
  await assert.rejects(first, /no/);
  await Promise.all([second, third]);
  assert.deepEqual(order, [2, 3]);
});

function copyOf(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  return copy;
}

test("a board's plain content says in JSON what Yjs carries beyond it", () => {
  const doc = new Y.Doc();
  const value = { bytes: new Uint8Array([1, 2]), nan: Number.NaN, none: undefined, big: 7n, list: [undefined, 1] };
  doc.getMap("objects").set("a", value);
  doc.getMap("ephemeral").set("m", new Y.Map([["k", 1]]));
  assert.deepEqual(plainContent(copyOf(doc)), {
    objects: { a: { bytes: "AQI=", nan: null, none: null, big: 7, list: [null, 1] } },
    ephemeral: { m: { k: 1 } },
  });
});
