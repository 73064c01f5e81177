import assert from "node:assert/strict";
import { test } from "node:test";
import { compareValues, convexToJson, type JSONValue, type Value } from "convex/values";
import fc from "fast-check";
import { LimitError } from "./limits.ts";
import { overlaps } from "./ranges.ts";
import type { SqliteTransaction } from "./transaction.ts";
import { collect, openTempStore, queryOf, type TempStore } from "./testing/tempStore.ts";
import type { KeyInterval, TouchedKey } from "./words.ts";

const byN = { indexes: [{ name: "by_n", fields: ["n"] }] };
const ns = (documents: readonly { readonly [field: string]: unknown }[]) => documents.map((document) => document["n"]);

async function fill(temp: TempStore, values: readonly (Value | undefined)[]): Promise<string[]> {
  const { value } = await temp.write((transaction) =>
    values.map((n) => transaction.insert("", "items", n === undefined ? {} : { n })),
  );
  return value;
}

test("an index orders all values as compareValues does, and by creation where they are equal", async (t) => {
  const values: fc.Arbitrary<Value | undefined> = fc.oneof(
    fc.constantFrom<Value | undefined>(
      undefined,
      null,
      -0,
      0,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      "",
      "\0",
      "a\0b",
      "é",
      "🙂",
    ),
    fc.boolean(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: "grapheme", maxLength: 6 }),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => new Uint8Array(bytes).buffer),
    fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom("", "a")), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b"), fc.integer({ min: 0, max: 2 }), { noNullPrototype: true }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(values, { minLength: 2, maxLength: 25 }), async (list) => {
      const temp = openTempStore(t, [byN]);
      const ids = await fill(temp, list);
      const order = (a: number, b: number) => compareValues(list[a], list[b]) || a - b;
      const expected = list
        .map((_, at) => at)
        .sort(order)
        .map((at) => ids[at]);
      const read = (order: "asc" | "desc") =>
        temp.read((transaction) => collect(transaction, queryOf("items.by_n", { order })));
      assert.deepEqual(
        (await read("asc")).value.map((document) => document._id),
        expected,
      );
      assert.deepEqual(
        (await read("desc")).value.map((document) => document._id),
        expected.toReversed(),
      );
      temp.store.close();
    }),
    { numRuns: 40 },
  );
});

test("a range gives what lies within its bounds, in both directions", async (t) => {
  const temp = openTempStore(t, [{ indexes: [{ name: "by_a_and_n", fields: ["a", "n"] }] }]);
  await temp.write((transaction) => {
    for (const a of ["x", "y"]) for (const n of [1, 2, 3, 4]) transaction.insert("", "items", { a, n });
  });
  type Range = NonNullable<NonNullable<Parameters<typeof queryOf>[1]>["range"]>;
  const read = async (range: Range, order: "asc" | "desc" = "asc") =>
    ns((await temp.read((transaction) => collect(transaction, queryOf("items.by_a_and_n", { range, order })))).value);
  assert.deepEqual(await read([["Eq", "a", "x"]]), [1, 2, 3, 4]);
  assert.deepEqual(
    await read([
      ["Eq", "a", "y"],
      ["Gt", "n", 2],
    ]),
    [3, 4],
  );
  assert.deepEqual(
    await read(
      [
        ["Eq", "a", "y"],
        ["Gte", "n", 2],
        ["Lt", "n", 4],
      ],
      "desc",
    ),
    [3, 2],
  );
  assert.deepEqual(await read([["Gt", "a", "x"]]), [1, 2, 3, 4]);
  assert.deepEqual(await read([["Eq", "a", undefined]]), []);
  await assert.rejects(read([["Eq", "n", 1]]), /expected its field "a" next, got "n"/);
});

test("documents are found by their ids and by their creation", async (t) => {
  const temp = openTempStore(t, [byN]);
  const ids = await fill(temp, [1, 2, 3]);
  const sorted = ids.toSorted();
  const { value } = await temp.read((transaction) => [
    collect(transaction, queryOf("items.by_id", { range: [["Gt", "_id", sorted[0] ?? ""]] })).map(({ _id }) => _id),
    ns(collect(transaction, queryOf("items.by_creation_time", { order: "desc" }))),
  ]);
  assert.deepEqual(value, [sorted.slice(1), [3, 2, 1]]);
});

test("filters and limits act in the order they were given", async (t) => {
  const temp = openTempStore(t, [byN]);
  await fill(temp, [1, 2, 3, 4, 5, 6]);
  const isEven: JSONValue = { $eq: [{ $mod: [{ $field: "n" }, { $literal: 2 }] }, { $literal: 0 }] };
  const read = async (operators: JSONValue[]) => {
    const query = { source: { type: "FullTableScan", tableName: "items", order: null }, operators };
    return ns((await temp.read((transaction) => collect(transaction, query))).value);
  };
  assert.deepEqual(await read([{ filter: isEven }, { limit: 2 }]), [2, 4]);
  assert.deepEqual(await read([{ limit: 3 }, { filter: isEven }]), [2]);
  assert.deepEqual(await read([{ limit: 5 }, { filter: isEven }, { limit: 1 }]), [2]);
  assert.deepEqual(await read([{ limit: 0 }]), []);
});

test("a loop over a range sees what it writes on the way, and ends", async (t) => {
  const temp = openTempStore(t, [byN]);
  const ids = await fill(
    temp,
    Array.from({ length: 100 }, (_, n) => n),
  );
  const { value } = await temp.write((transaction) => {
    const seen: unknown[] = [];
    const query = transaction.openQuery("", queryOf("items.by_n"));
    for (let next = transaction.nextOf(query); next !== null; next = transaction.nextOf(query)) {
      const n = next["n"] as number;
      seen.push(n);
      transaction.remove("", "items", next._id);
      // Removed ahead of the loop, moved behind it, changed in front of it, added in front of it.
      if (n === 3) transaction.remove("", "items", ids[5] ?? "");
      if (n === 6) transaction.patch("", "items", ids[90] ?? "", { n: 0.5 });
      if (n === 7) transaction.insert("", "items", { n: 8.5 });
    }
    return { seen, left: ns(collect(transaction, queryOf("items.by_n"))) };
  });
  const expected = Array.from({ length: 100 }, (_, n) => n).filter((n) => n !== 5 && n !== 90);
  expected.splice(expected.indexOf(9), 0, 8.5);
  assert.deepEqual(value, { seen: expected, left: [0.5] });
});

test("large documents are read a few at a time", async (t) => {
  const temp = openTempStore(t, [byN]);
  for (let part = 0; part < 3; part++) {
    await temp.write((transaction) => {
      for (let i = 0; i < 15; i++) transaction.insert("", "items", { n: part * 15 + i, text: "x".repeat(900_000) });
    });
  }
  const { value } = await temp.read((transaction) => ns(collect(transaction, queryOf("items.by_n", { limit: 10 }))));
  assert.deepEqual(value, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await assert.rejects(
    temp.read((transaction) => collect(transaction, queryOf("items.by_n"))),
    (error) => error instanceof LimitError && error.limit === "bytesRead",
  );
});

test("what was read is what was consumed: up to the last row of first and take, all of it at the end", async (t) => {
  const temp = openTempStore(t, [byN]);
  await fill(temp, [10, 20, 30, 40]);
  const readsOf = async (query: JSONValue, rows = Number.POSITIVE_INFINITY): Promise<readonly KeyInterval[]> => {
    const { reads } = await temp.read((transaction) => {
      const id = transaction.openQuery("", query);
      for (let i = 0; i < rows && transaction.nextOf(id) !== null; i++);
    });
    return reads;
  };
  const isTouchedBy = async (reads: readonly KeyInterval[], n: number) => {
    const touched: TouchedKey[] = [];
    const stop = temp.queue.onCommit((_, keys) => touched.push(...keys));
    const { value: id } = await temp.write((transaction) => transaction.insert("", "items", { n }));
    stop();
    await temp.write((transaction) => transaction.remove("", "items", id));
    return overlaps(reads, touched);
  };
  const touchedAt = async (reads: readonly KeyInterval[]) => {
    const found: number[] = [];
    for (const n of [5, 15, 25, 35, 45]) if (await isTouchedBy(reads, n)) found.push(n);
    return found;
  };
  assert.deepEqual(await touchedAt(await readsOf(queryOf("items.by_n", { limit: 1 }))), [5]);
  assert.deepEqual(await touchedAt(await readsOf(queryOf("items.by_n", { limit: 2 }))), [5, 15]);
  assert.deepEqual(await touchedAt(await readsOf(queryOf("items.by_n", { limit: 9 }))), [5, 15, 25, 35, 45]);
  assert.deepEqual(await touchedAt(await readsOf(queryOf("items.by_n"), 3)), [5, 15, 25]);
  assert.deepEqual(await touchedAt(await readsOf(queryOf("items.by_n"), 0)), []);
  assert.deepEqual(await touchedAt(await readsOf(queryOf("items.by_n", { order: "desc", limit: 2 }))), [35, 45]);
  const above = queryOf("items.by_n", { range: [["Gt", "n", 20]], order: "desc" });
  assert.deepEqual(await touchedAt(await readsOf(above)), [25, 35, 45]);
  const filtered = queryOf("items.by_n", { filter: { $eq: [{ $field: "n" }, { $literal: 20 }] }, limit: 1 });
  assert.deepEqual(await touchedAt(await readsOf(filtered)), [5, 15]);
  // unique() asks for two and finds one: the rest of the range matters.
  const unique = queryOf("items.by_n", {
    range: [
      ["Gte", "n", 30],
      ["Lt", "n", 40],
    ],
    limit: 2,
  });
  assert.deepEqual(await touchedAt(await readsOf(unique)), [35]);
});

test("a change of a document reaches those who read it through any index or by its id", async (t) => {
  const temp = openTempStore(t, [byN]);
  const [first = "", second = ""] = await fill(temp, [1, 2]);
  const reads = async (body: (transaction: SqliteTransaction) => unknown) => (await temp.read(body)).reads;
  const byId = await reads((transaction) => transaction.get("", "items", first));
  const byIndex = await reads((transaction) => collect(transaction, queryOf("items.by_n", { limit: 1 })));
  const byCreation = await reads((transaction) => collect(transaction, queryOf("items", { limit: 1 })));
  const counted = await reads((transaction) => transaction.count("", "items"));
  const touchedBy = async (id: string) => {
    const touched: TouchedKey[] = [];
    const stop = temp.queue.onCommit((_, keys) => touched.push(...keys));
    await temp.write((transaction) => transaction.patch("", "items", id, { text: `${Math.random()}` }));
    stop();
    return [byId, byIndex, byCreation, counted].map((read) => overlaps(read, touched));
  };
  assert.deepEqual(await touchedBy(first), [true, true, true, true]);
  assert.deepEqual(await touchedBy(second), [false, false, false, true]);
});

test("count gives the number of documents, of this transaction too", async (t) => {
  const temp = openTempStore(t, [byN]);
  await fill(temp, [1, 2]);
  await temp.write((transaction) => {
    transaction.insert("", "items", { n: 3 });
    assert.equal(transaction.count("", "items"), 3);
  });
  assert.equal((await temp.read((transaction) => transaction.count("", "nothing"))).value, 0);
});

test("a malformed query says what was expected", async (t) => {
  const temp = openTempStore(t, [byN]);
  const refuse = (query: unknown, message: RegExp) =>
    assert.rejects(
      temp.read((transaction) => transaction.openQuery("", query as JSONValue)),
      message,
    );
  await refuse(null, /query: expected an object/);
  await refuse(
    { source: { type: "Other" }, operators: [] },
    /expected FullTableScan, IndexRange or Search, got "Other"/,
  );
  await refuse({ source: { type: "FullTableScan", tableName: "items" } }, /query\.operators: expected a list/);
  await refuse(queryOf("items.by_m"), /Index items\.by_m not found, expected one of by_creation_time, by_id, by_n/);
  await refuse(queryOf("items.by_n", { limit: -1 }), /limit: expected a whole number of at least 0, got -1/);
  await refuse(queryOf("_secrets"), /there is no table "_secrets"/);
  await refuse(queryOf("nothing.by_n"), /there is no table "nothing" with an index "by_n"/);
  await refuse(
    { source: { type: "IndexRange", indexName: "items", range: [] }, operators: [] },
    /expected an index as "table\.index"/,
  );
  await assert.rejects(
    temp.read((transaction) => transaction.nextOf(7)),
    /no open query 7/,
  );
});

const searchOf = (text: string, equalities: readonly (readonly [string, Value])[] = [], limit?: number): JSONValue => ({
  source: {
    type: "Search",
    indexName: "items.by_text",
    filters: [
      { type: "Search", fieldPath: "text", value: text },
      ...equalities.map(([fieldPath, value]) => ({ type: "Eq", fieldPath, value: convexToJson(value) })),
    ],
  },
  operators: limit === undefined ? [] : [{ limit }],
});

const searchable = { searchIndexes: [{ name: "by_text", field: "text", filters: ["kind", "at.n"] }] };

test("a search finds any of its words, best first, and the last one also as a beginning", async (t) => {
  const temp = openTempStore(t, [searchable]);
  await temp.write((transaction) => {
    for (const text of ["the red fox", "red red red", "a fox and a hound", "Réd, indeed", "nothing", "foxes"]) {
      transaction.insert("", "items", { text });
    }
    transaction.insert("", "items", { text: 5 });
  });
  const find = async (text: string) =>
    (await temp.read((transaction) => collect(transaction, searchOf(text)))).value.map(({ text }) => text);
  assert.deepEqual(await find("hound"), ["a fox and a hound"]);
  assert.equal((await find("red"))[0], "red red red");
  assert.deepEqual((await find("red")).toSorted(), ["Réd, indeed", "red red red", "the red fox"]);
  assert.deepEqual((await find("fox")).toSorted(), ["a fox and a hound", "foxes", "the red fox"]);
  assert.deepEqual((await find("fox hound")).toSorted(), ["a fox and a hound", "the red fox"]);
  assert.deepEqual(await find("hou"), ["a fox and a hound"]);
  assert.deepEqual(
    await find("hou fox x"),
    (await find("fox")).filter((text) => text !== "foxes"),
  );
  assert.deepEqual(await find(" ,;"), []);
  assert.deepEqual(await find('"red" AND NOT OR ( * ^'), await find("red AND NOT OR"));
});

test("a search sees its own transaction's changes, and its filters look at declared fields only", async (t) => {
  const temp = openTempStore(t, [searchable]);
  await temp.write((transaction) => {
    const ids = ["a", "b", "a"].map((kind, n) => transaction.insert("", "items", { text: "word", kind, at: { n } }));
    const find = (equalities: readonly (readonly [string, Value])[]) =>
      collect(transaction, searchOf("word", equalities)).map(({ _id }) => ids.indexOf(_id));
    assert.deepEqual(find([]), [2, 1, 0]);
    assert.deepEqual(find([["kind", "a"]]), [2, 0]);
    assert.deepEqual(
      find([
        ["kind", "a"],
        ["at.n", 0],
      ]),
      [0],
    );
    transaction.patch("", "items", ids[0] ?? "", { text: "other" });
    transaction.remove("", "items", ids[2] ?? "");
    assert.deepEqual(find([]), [1]);
    assert.throws(() => find([["text", "word"]]), /"text" is none of its filter fields, expected one of kind, at\.n/);
    assert.throws(() => collect(transaction, searchOf("w ".repeat(17))), /at most 16 words, got 17/);
  });
});

test("a search gives 1,024 results, and a LimitError beyond", async (t) => {
  const temp = openTempStore(t, [searchable]);
  await temp.write((transaction) => {
    for (let i = 0; i < 1_025; i++) transaction.insert("", "items", { text: "word" });
  });
  const { value } = await temp.read((transaction) => collect(transaction, searchOf("word", [], 1_024)));
  assert.equal(value.length, 1_024);
  await assert.rejects(
    temp.read((transaction) => collect(transaction, searchOf("word"))),
    (error) => error instanceof LimitError && error.limit === "searchResults",
  );
});

test("whoever searched hears of every change of the table", async (t) => {
  const temp = openTempStore(t, [searchable]);
  const { reads } = await temp.read((transaction) => collect(transaction, searchOf("word")));
  const touched: TouchedKey[] = [];
  temp.queue.onCommit((_, keys) => touched.push(...keys));
  await temp.write((transaction) => transaction.insert("", "items", { text: "word" }));
  assert.ok(overlaps(reads, touched));
});

const withVectors = { vectorIndexes: [{ name: "by_vector", field: "vector", dimensions: 3, filters: ["kind"] }] };

test("a vector search gives the exact cosine, best first, for what its filter keeps", async (t) => {
  const temp = openTempStore(t, [withVectors]);
  const { value: ids } = await temp.write((transaction) => {
    const made = (
      [
        [1, 0, 0],
        [0, 2, 0],
        [1, 1, 0],
        [-3, 0, 0],
        [0, 0, 0],
      ] as number[][]
    ).map((vector, n) => transaction.insert("", "items", { vector, kind: n % 2 === 0 ? "even" : "odd" }));
    transaction.insert("", "items", { vector: [1, 2], kind: "short" });
    transaction.insert("", "items", { vector: ["a", "b", "c"], kind: "text" });
    transaction.insert("", "items", { kind: "none" });
    return made;
  });
  const find = async (query: Record<string, JSONValue>) => {
    const whole = { indexName: "items.by_vector", vector: [1, 0, 0], expressions: null, ...query };
    const { value } = await temp.read((transaction) => transaction.vectorSearch("", whole));
    return value.map(({ _id, _score }) => [ids.indexOf(_id), Math.round(_score * 1e6) / 1e6]);
  };
  assert.deepEqual(await find({}), [
    [0, 1],
    [2, Math.round(Math.SQRT1_2 * 1e6) / 1e6],
    [1, 0],
    [4, 0],
    [3, -1],
  ]);
  assert.deepEqual(await find({ limit: 2 }), [
    [0, 1],
    [2, 0.707107],
  ]);
  const isOdd = { $eq: [{ $field: "kind" }, { $literal: "odd" }] };
  assert.deepEqual(await find({ expressions: isOdd }), [
    [1, 0],
    [3, -1],
  ]);
  assert.equal(
    (await find({ expressions: { $or: [isOdd, { $eq: [{ $field: "kind" }, { $literal: "even" }] }] } })).length,
    5,
  );
  await temp.write((transaction) => {
    transaction.patch("", "items", ids[0] ?? "", { vector: [0, 0, 1] });
    transaction.patch("", "items", ids[1] ?? "", { kind: "even" });
    transaction.remove("", "items", ids[2] ?? "");
  });
  assert.deepEqual(await find({ expressions: isOdd }), [[3, -1]]);
  assert.deepEqual(
    (await find({})).map(([at]) => at),
    [0, 1, 4, 3],
  );
});

test("a vector search refuses what it cannot answer", async (t) => {
  const temp = openTempStore(t, [withVectors]);
  await temp.write((transaction) => transaction.insert("", "items", { vector: [1, 0, 0], kind: "a" }));
  const refuse = (query: Record<string, JSONValue>, message: RegExp) => {
    const whole = { indexName: "items.by_vector", vector: [1, 0, 0], expressions: null, ...query };
    return assert.rejects(
      temp.read((transaction) => transaction.vectorSearch("", whole)),
      message,
    );
  };
  await refuse({ vector: [1, 2] }, /expected a vector of 3 numbers, got 2/);
  await refuse({ vector: "no" }, /expected a vector of numbers/);
  await refuse({ limit: 257 }, /"vectorResults" exceeded/);
  await refuse({ limit: 0 }, /limit: expected a whole number of at least 1/);
  await refuse({ indexName: "items.by_other" }, /there is no vector index items\.by_other/);
  await refuse(
    { expressions: { $eq: [{ $field: "secret" }, { $literal: 1 }] } },
    /"secret" is none of its filter fields/,
  );
});
