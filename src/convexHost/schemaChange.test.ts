import assert from "node:assert/strict";
import { test } from "node:test";
import { v } from "convex/values";
import { defineSchema, defineTable } from "convex/server";
import { parseSchema, type ParsedSchema } from "./schema.ts";
import { SchemaMismatch } from "./sqliteStore.ts";
import { collect, openTempStore, queryOf, schemaOf, type TempStore } from "./testing/tempStore.ts";

type Tables = Parameters<typeof defineSchema>[0];
/** As a deployment's `schema.ts` exports it. */
function schema(tables: Tables, options?: { schemaValidation: boolean }): ParsedSchema {
  const defined = defineSchema(tables, options) as unknown as { export(): string };
  return parseSchema(defined.export());
}

const apply = (temp: TempStore, parsed: ParsedSchema) => temp.store.applySchemas(new Map([["", parsed]]));
const ranksBy = async (temp: TempStore, index: string) => {
  const { value } = await temp.read((transaction) => collect(transaction, queryOf(index)));
  return value.map((document) => document["rank"]);
};
const indexCount = (temp: TempStore) => temp.store.sql("SELECT count(*) AS n FROM indexes").get()?.["n"];
const entryCount = (temp: TempStore) => temp.store.sql("SELECT count(*) AS n FROM entries").get()?.["n"];

test("a new index is built from what is stored, and kept up from then on", async (t) => {
  const temp = openTempStore(t);
  apply(temp, schema({ items: defineTable({ rank: v.number() }) }));
  await temp.write((transaction) => [3, 1, 2].map((rank) => transaction.insert("", "items", { rank })));
  await assert.rejects(
    ranksBy(temp, "items.by_rank"),
    /Index items\.by_rank not found, expected one of by_creation_time, by_id/,
  );
  assert.deepEqual(apply(temp, schema({ items: defineTable({ rank: v.number() }).index("by_rank", ["rank"]) })), []);
  assert.deepEqual(await ranksBy(temp, "items.by_rank"), [1, 2, 3]);
  await temp.write((transaction) => transaction.insert("", "items", { rank: 2.5 }));
  assert.deepEqual(await ranksBy(temp, "items.by_rank"), [1, 2, 2.5, 3]);
});

test("an index with other fields is built again, one that is gone leaves nothing behind", async (t) => {
  const temp = openTempStore(t);
  const table = () => defineTable({ rank: v.number(), name: v.string() });
  apply(temp, schema({ items: table().index("by_it", ["rank"]) }));
  await temp.write((transaction) => {
    for (const [rank, name] of [
      [1, "c"],
      [2, "b"],
      [3, "a"],
    ] as const)
      transaction.insert("", "items", { rank, name });
  });
  const before = [indexCount(temp), entryCount(temp)];
  apply(temp, schema({ items: table().index("by_it", ["name"]) }));
  assert.deepEqual(await ranksBy(temp, "items.by_it"), [3, 2, 1]);
  assert.deepEqual([indexCount(temp), entryCount(temp)], before);
  apply(temp, schema({ items: table() }));
  await assert.rejects(ranksBy(temp, "items.by_it"), /not found/);
  assert.deepEqual([indexCount(temp), entryCount(temp)], [Number(before[0]) - 1, Number(before[1]) - 3]);
});

test("an unchanged schema builds nothing and checks nothing", async (t) => {
  const temp = openTempStore(t);
  const parsed = schema({
    items: defineTable({ rank: v.number(), text: v.string() })
      .index("by_rank", ["rank"])
      .searchIndex("by_text", { searchField: "text", filterFields: ["rank"] }),
  });
  apply(temp, parsed);
  await temp.write((transaction) => transaction.insert("", "items", { rank: 1, text: "a" }));
  const rows = () => temp.store.sql("SELECT id, name FROM indexes ORDER BY id").all();
  const before = rows();
  apply(temp, parsed);
  temp.reopen();
  apply(temp, parsed);
  assert.deepEqual(rows(), before);
});

test("stored documents that do not match refuse the start: how many per table, the first five, and nothing is changed", async (t) => {
  const temp = openTempStore(t);
  apply(temp, schema({ items: defineTable(v.any()), others: defineTable(v.any()) }));
  const { value: ids } = await temp.write((transaction) =>
    Array.from({ length: 7 }, (_, rank) => transaction.insert("", "items", { rank: `${rank}` })),
  );
  await temp.write((transaction) => transaction.insert("", "items", { rank: 1 }));
  await temp.write((transaction) => transaction.insert("", "others", { item: "no id" }));
  const before = indexCount(temp);
  const wanted = schema({
    items: defineTable({ rank: v.number() }).index("by_rank", ["rank"]),
    others: defineTable({ item: v.id("items") }),
    brandNew: defineTable({}),
  });
  assert.throws(
    () => apply(temp, wanted),
    (error) => {
      assert.ok(error instanceof SchemaMismatch);
      const [items, others] = error.tables;
      assert.deepEqual([items?.table, items?.count, others?.table, others?.count], ["items", 7, "others", 1]);
      assert.deepEqual(
        items?.documents.map(({ id }) => id),
        ids.slice(0, 5),
      );
      assert.match(items?.documents[0]?.problem ?? "", /\.rank[\s\S]*v\.float64\(\)/);
      assert.match(error.message, /table "items": 7 documents do not match/);
      assert.match(error.message, /and 2 more/);
      assert.match(error.message, /table "others": 1 document does not match/);
      return true;
    },
  );
  assert.equal(indexCount(temp), before);
  assert.equal(temp.store.catalog.find("", "brandNew"), undefined);
  await temp.write((transaction) => transaction.insert("", "items", { rank: "still anything" }));
});

test("ids of documents are checked against tables that the same schema brings", async (t) => {
  const temp = openTempStore(t);
  apply(temp, schema({ zebras: defineTable(v.any()), items: defineTable(v.any()) }));
  await temp.write((transaction) => {
    const zebra = transaction.insert("", "zebras", {});
    transaction.insert("", "items", { zebra });
  });
  apply(temp, schema({ items: defineTable({ zebra: v.id("zebras") }), zebras: defineTable({}) }));
});

test("a schema without validation checks nothing, now and at each write", async (t) => {
  const temp = openTempStore(t);
  apply(temp, schema({ items: defineTable({ rank: v.number() }) }));
  apply(temp, schema({ items: defineTable({ rank: v.number() }) }, { schemaValidation: false }));
  await temp.write((transaction) => transaction.insert("", "items", { rank: "one" }));
  assert.throws(() => apply(temp, schema({ items: defineTable({ rank: v.number() }) })), SchemaMismatch);
});

test("a removed table is kept, warned of, and has its indexes again when it comes back", async (t) => {
  const temp = openTempStore(t);
  const parsed = schema({
    items: defineTable({ rank: v.number() }).index("by_rank", ["rank"]),
    empty: defineTable({}),
  });
  apply(temp, parsed);
  await temp.write((transaction) => [2, 1].map((rank) => transaction.insert("", "items", { rank })));
  assert.deepEqual(apply(temp, schema({})), ['table "items" is in no schema any more: kept with its 2 documents']);
  const { value: kept } = await temp.read((transaction) => collect(transaction, queryOf("items")));
  assert.equal(kept.length, 2);
  assert.deepEqual(apply(temp, parsed), []);
  assert.deepEqual(await ranksBy(temp, "items.by_rank"), [1, 2]);
  apply(temp, schema({}));
  await temp.write((transaction) => transaction.insert("", "items", { rank: "anything, while no schema names it" }));
  assert.throws(() => apply(temp, parsed), SchemaMismatch);
});

test("without a schema a component's tables are nothing to warn of", async (t) => {
  const temp = openTempStore(t);
  await temp.write((transaction) => transaction.insert("", "items", {}));
  assert.deepEqual(temp.store.applySchemas(new Map()), []);
});

test("components have tables of the same name, each its own", async (t) => {
  const temp = openTempStore(t);
  temp.store.applySchemas(
    new Map([
      ["", schema({ items: defineTable({ rank: v.number() }) })],
      ["mail/inner", schema({ items: defineTable({ name: v.string() }).index("by_name", ["name"]) })],
    ]),
  );
  await temp.write((transaction) => transaction.insert("", "items", { rank: 1 }));
  await temp.write((transaction) => transaction.insert("mail/inner", "items", { name: "ada" }));
  await assert.rejects(
    temp.write((transaction) => transaction.insert("", "items", { name: "ada" })),
    /does not match the schema/,
  );
  const { value } = await temp.read((transaction) => collect(transaction, queryOf("items.by_name"), "mail/inner"));
  assert.deepEqual(
    value.map((document) => document["name"]),
    ["ada"],
  );
});

test("every component has system tables of its own, with their indexes, also one that no schema names", async (t) => {
  const temp = openTempStore(t);
  temp.store.applySchemas(new Map([["mail", schemaOf()]]));
  for (const component of ["", "mail", "later"]) {
    const due = queryOf("_scheduled_functions.by_due", { range: [["Eq", "state.kind", "pending"]] });
    assert.deepEqual((await temp.read((transaction) => collect(transaction, due, component))).value, []);
    await temp.write((transaction) =>
      transaction.insert(component, "_scheduled_functions", {
        state: { kind: "pending" },
        scheduledTime: 5,
        of: component,
      }),
    );
    const { value } = await temp.read((transaction) => collect(transaction, due, component));
    assert.deepEqual(
      value.map((document) => document["of"]),
      [component],
    );
  }
});

test("a new search or vector index is built from what is stored, and dropped with all of its rows", async (t) => {
  const temp = openTempStore(t);
  const table = () => defineTable({ text: v.string(), vector: v.array(v.number()) });
  apply(temp, schema({ items: table() }));
  await temp.write((transaction) => transaction.insert("", "items", { text: "hello world", vector: [1, 0] }));
  apply(
    temp,
    schema({
      items: table()
        .searchIndex("by_text", { searchField: "text" })
        .vectorIndex("by_vector", { vectorField: "vector", dimensions: 2 }),
    }),
  );
  const { value } = await temp.read((transaction) => {
    const source = {
      type: "Search",
      indexName: "items.by_text",
      filters: [{ type: "Search", fieldPath: "text", value: "world" }],
    };
    const found = collect(transaction, { source, operators: [] });
    const near = transaction.vectorSearch("", {
      indexName: "items.by_vector",
      vector: [1, 0],
      limit: 1,
      expressions: null,
    });
    return [found.length, near.length];
  });
  assert.deepEqual(value, [1, 1]);
  apply(temp, schema({ items: table() }));
  assert.equal(temp.store.sql("SELECT count(*) AS n FROM vectors").get()?.["n"], 0);
  assert.equal(temp.store.sql("SELECT count(*) AS n FROM sqlite_master WHERE name LIKE 'search%'").get()?.["n"], 0);
});
