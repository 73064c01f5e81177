import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { defineSchema, defineTable, type GenericSchema } from "convex/server";
import { v } from "convex/values";
import fc from "fast-check";
import {
  BY_CREATION_TIME,
  changesOf,
  indexesOf,
  parseSchema,
  SchemaError,
  SYSTEM_TABLES,
  type TableDefinition,
  type TableIndex,
} from "./schema.ts";
import { problemsOf } from "./tableDefinition.ts";
import { checkValue, showValidator } from "./validate.ts";

interface Exported {
  export(): string;
}
const exportOf = (tables: GenericSchema, options?: { schemaValidation: boolean }) =>
  (defineSchema(tables, options) as unknown as Exported).export();
const parse = (tables: GenericSchema) => parseSchema(exportOf(tables));
const asSchema = (tables: unknown) => tables as GenericSchema;

function problemsIn(tables: unknown): readonly string[] {
  try {
    parse(asSchema(tables));
  } catch (error) {
    if (error instanceof SchemaError) return error.problems;
    throw error;
  }
  return assert.fail("expected a SchemaError");
}

test("tables come with their validators and their indexes of all three kinds", () => {
  const { tables, isValidated } = parse({
    messages: defineTable({ body: v.string(), author: v.object({ name: v.string() }), vector: v.array(v.float64()) })
      .index("by_author", ["author.name"])
      .index("by_body_and_author", { fields: ["body", "author.name"] })
      .searchIndex("search_body", { searchField: "body", filterFields: ["author.name"] })
      .vectorIndex("by_vector", { vectorField: "vector", dimensions: 1_536, filterFields: ["body"] }),
    plain: defineTable(v.any()),
  });
  assert.equal(isValidated, true);
  const [messages, plain] = tables;
  assert.ok(messages?.validator && plain?.validator);
  assert.equal(
    showValidator(messages.validator),
    "v.object({body: v.string(), author: v.object({name: v.string()}), vector: v.array(v.float64())})",
  );
  assert.deepEqual(messages.indexes, [
    { name: "by_author", fields: ["author.name"] },
    { name: "by_body_and_author", fields: ["body", "author.name"] },
  ]);
  assert.deepEqual(messages.searchIndexes, [{ name: "search_body", field: "body", filters: ["author.name"] }]);
  assert.deepEqual(messages.vectorIndexes, [
    { name: "by_vector", field: "vector", dimensions: 1_536, filters: ["body"] },
  ]);
  assert.deepEqual(
    { ...plain },
    {
      name: "plain",
      validator: { type: "any" },
      indexes: [],
      searchIndexes: [],
      vectorIndexes: [],
    },
  );
});

test("staged indexes and validators are left out", () => {
  const { tables } = parse({
    notes: defineTable({ a: v.string(), b: v.array(v.float64()) })
      .index("by_a", { fields: ["a"], staged: true })
      .searchIndex("search_a", { searchField: "a", staged: true })
      .vectorIndex("by_b", { vectorField: "b", dimensions: 2, staged: true })
      .staged({ a: v.number() }),
  });
  const [notes] = tables;
  assert.ok(notes?.validator);
  assert.deepEqual([notes.indexes, notes.searchIndexes, notes.vectorIndexes], [[], [], []]);
  assert.equal(
    checkValue(notes.validator, { a: "old", b: [] }, () => null),
    null,
  );
});

test("without schemaValidation any object goes, and problems are still told", () => {
  const { tables, isValidated } = parseSchema(
    exportOf({ notes: defineTable({ a: v.string() }).index("by_a", ["a"]) }, { schemaValidation: false }),
  );
  assert.equal(isValidated, false);
  assert.equal(tables[0]?.validator, null);
  assert.deepEqual(tables[0].indexes, [{ name: "by_a", fields: ["a"] }]);
  const misspelt = defineTable({ a: v.string() }).index("by_b", ["b" as "a"]);
  assert.throws(() => parseSchema(exportOf({ notes: misspelt }, { schemaValidation: false })), SchemaError);
});

test("an export of something else says what was expected", () => {
  for (const json of ["null", "[]", "{}", '{"tables":{}}', "5"]) {
    assert.throws(() => parseSchema(json), /default export of schema\.ts must be defineSchema/);
  }
});

test("the schema of this repository's functions is read whole", async () => {
  const file = new URL("../../convex/schema.ts", import.meta.url);
  const module = (await import(pathToFileURL(file.pathname).href)) as { default: Exported & { tables: object } };
  const { tables, isValidated } = parseSchema(module.default.export());
  assert.equal(isValidated, true);
  assert.deepEqual(
    tables.map((table) => table.name),
    Object.keys(module.default.tables),
  );
  const sessions = tables.find((table) => table.name === "sessions");
  assert.ok(sessions?.indexes.some((index) => index.name === "by_public_id" && index.fields.join() === "publicId"));
  const updates = tables.find((table) => table.name === "boardUpdates");
  assert.ok(updates?.validator);
  const tableOf = (id: string) => (id === "b1" ? "boards" : null);
  assert.equal(checkValue(updates.validator, { board: "b1", seq: 1, update: new ArrayBuffer(2) }, tableOf), null);
  assert.match(
    checkValue(updates.validator, { board: "b2", seq: 1, update: new ArrayBuffer(2) }, tableOf) ?? "",
    /Path: \.board/,
  );
});

test("32 indexes of 16 fields are fine, one more of either is not; every kind counts", () => {
  const names = Array.from({ length: 40 }, (_, index) => `f${index}`);
  const table = (indexes: number, fieldsEach: number) => {
    const definition = defineTable(v.object(Object.fromEntries(names.map((name) => [name, v.string()]))));
    for (let index = 0; index < indexes; index++) {
      const fields = Array.from({ length: fieldsEach }, (_, at) => names[(index + at) % 40]);
      (definition as unknown as { index(name: string, fields: unknown): void }).index(`by_${index}`, fields);
    }
    return definition;
  };
  assert.equal(parse({ t: table(32, 16) }).tables[0]?.indexes.length, 32);
  assert.deepEqual(problemsIn({ t: table(33, 2) }), ['table "t": 33 indexes, at most 32 allowed']);
  assert.deepEqual(problemsIn({ t: table(1, 17) }), ['table "t": index "by_0": 17 fields, at most 16 allowed']);
  const mixed = table(32, 2).searchIndex("search", { searchField: "f1" as never });
  assert.deepEqual(problemsIn({ t: mixed }), ['table "t": 33 indexes, at most 32 allowed']);
});

test("what a deployment would refuse is refused, all of it at once", () => {
  const base = () => defineTable({ a: v.string(), b: v.optional(v.object({ c: v.number() })) });
  const loose = (fields: readonly string[], name = "by_x") => base().index(name, fields as ["a"]);
  const refused: readonly (readonly [unknown, string])[] = [
    [{ _mine: base() }, 'table "_mine": a name has letters, digits and "_", a letter first'],
    [{ "a-b": base() }, 'table "a-b": a name has letters, digits and "_", a letter first'],
    [
      { t: defineTable(v.string() as never) },
      'table "t": documents are objects or a union of objects, not of type "string"',
    ],
    [
      { t: defineTable({ "a b": v.any() }) },
      'table "t": field "a b": a name has letters, digits and "_", a letter first',
    ],
    [{ t: loose([]) }, 'table "t": index "by_x": expected at least one field'],
    [{ t: loose(["a", "a"]) }, 'table "t": index "by_x": the field a twice'],
    [{ t: loose(["_id"]) }, 'table "t": index "by_x": _id ends every index by itself: leave it out'],
    [
      { t: loose(["a", "_creationTime"]) },
      'table "t": index "by_x": _creationTime ends every index by itself: leave it out',
    ],
    [{ t: loose(["b.d"]) }, 'table "t": index "by_x": no document can have the field b.d'],
    [{ t: loose(["a.length"]) }, 'table "t": index "by_x": no document can have the field a.length'],
    [{ t: loose(["a..b"]) }, 'table "t": index "by_x": "a..b" is no path of field names'],
    [{ t: loose(["toString"]) }, 'table "t": index "by_x": no document can have the field toString'],
    [{ t: loose(["a"], "by_id") }, 'table "t": index "by_id": every table has it already'],
    [{ t: loose(["a"], "by_creation_time") }, 'table "t": index "by_creation_time": every table has it already'],
    [{ t: loose(["a"], "by a") }, 'table "t": index "by a": a name has letters, digits and "_", a letter first'],
    [{ t: loose(["a"]).index("by_x", ["b.c"]) }, 'table "t": two indexes are named "by_x"'],
    [{ t: loose(["a"]).index("by_y", ["a"]) }, 'table "t": two indexes have the fields a'],
    [{ t: loose(["a"]).searchIndex("by_x", { searchField: "a" }) }, 'table "t": two indexes are named "by_x"'],
    [
      { t: base().searchIndex("s", { searchField: "z" as "a" }) },
      'table "t": index "s": no document can have the field z',
    ],
    [
      { t: base().vectorIndex("s", { vectorField: "a", dimensions: 1 }) },
      'table "t": index "s": expected 2 to 4096 dimensions, got 1',
    ],
    [
      { t: base().vectorIndex("s", { vectorField: "a", dimensions: 2.5 }) },
      'table "t": index "s": expected 2 to 4096 dimensions, got 2.5',
    ],
  ];
  for (const [tables, problem] of refused) assert.deepEqual(problemsIn(tables), [problem]);
  assert.equal(problemsIn({ _mine: loose(["b.d", "a", "a"]), t: loose([]) }).length, 4);
});

test("search and vector indexes are 4 each with 16 filters", () => {
  const wide = Array.from({ length: 17 }, () => "a" as const);
  const searches = (count: number) => {
    const table = defineTable({ a: v.string() });
    for (let index = 0; index < count; index++) table.searchIndex(`s${index}`, { searchField: "a" });
    return table;
  };
  assert.equal(parse({ t: searches(4) }).tables[0]?.searchIndexes.length, 4);
  assert.deepEqual(problemsIn({ t: searches(5) }), ['table "t": 5 search indexes, at most 4 allowed']);
  const filtered = defineTable({ a: v.string() }).searchIndex("s", { searchField: "a", filterFields: wide });
  assert.deepEqual(problemsIn({ t: filtered }), ['table "t": index "s": 17 filters, at most 16 allowed']);
});

test("an index may reach into any, records, unions and optional objects", () => {
  const table = defineTable(
    v.union(
      v.object({ kind: v.literal("a"), free: v.any() }),
      v.object({ kind: v.literal("b"), tags: v.optional(v.record(v.string(), v.object({ n: v.number() }))) }),
    ),
  )
    .index("by_kind", ["kind"])
    .index("by_free", ["free.deep.path" as "free"])
    .index("by_tag", ["tags.red.n" as "kind"]);
  assert.equal(parse({ t: table }).tables[0]?.indexes.length, 3);
});

test("a validator of an unknown kind is refused with its table and field", () => {
  const json = JSON.stringify({
    tables: [
      {
        tableName: "t",
        indexes: [],
        documentType: { type: "object", value: { a: { optional: false, fieldType: { type: "map" } } } },
      },
    ],
  });
  assert.throws(() => parseSchema(json), /table "t"\.a: .* knows no validator of type "map"/);
});

test("a table defined twice is refused", () => {
  const table = { tableName: "t", indexes: [], documentType: { type: "any" } };
  assert.throws(() => parseSchema(JSON.stringify({ tables: [table, table] })), /table "t" is defined twice/);
});

test("the system tables are those of the design, each sound but for the name that no user may take", () => {
  const shape = Object.fromEntries(
    SYSTEM_TABLES.map((table) => [
      table.name,
      Object.fromEntries(table.indexes.map((index) => [index.name, index.fields])),
    ]),
  );
  assert.deepEqual(shape, {
    _scheduled_functions: { by_due: ["state.kind", "scheduledTime"] },
    _storage: {},
    _crons: { by_name: ["name"] },
    _session_requests: { by_session: ["sessionId", "requestId"], by_expiry: ["expiresAtMs"] },
  });
  for (const table of SYSTEM_TABLES) assert.deepEqual(problemsOf({ ...table, name: "mine" }), []);
});

const definition = (name: string, indexes: TableDefinition["indexes"]): TableDefinition => ({
  name,
  validator: null,
  indexes,
  searchIndexes: [],
  vectorIndexes: [],
});

test("a first start builds the declared indexes and by_creation_time", () => {
  const wanted = indexesOf(definition("notes", [{ name: "by_a", fields: ["a"] }]), "app|notes");
  assert.deepEqual(changesOf([], wanted), {
    build: [
      { table: "app|notes", name: BY_CREATION_TIME, fields: [] },
      { table: "app|notes", name: "by_a", fields: ["a"] },
    ],
    drop: [],
    keep: [],
    undeclared: [],
  });
});

test("an index with other fields is dropped and built, a removed one dropped, an equal one kept with what the store knows", () => {
  const stored = [
    { id: 1, table: "notes", name: BY_CREATION_TIME, fields: [] },
    { id: 2, table: "notes", name: "by_a", fields: ["a"] },
    { id: 3, table: "notes", name: "by_b", fields: ["b"] },
    { id: 4, table: "notes", name: "by_c", fields: ["c", "d"] },
  ];
  const wanted = indexesOf(
    definition("notes", [
      { name: "by_a", fields: ["a"] },
      { name: "by_c", fields: ["d", "c"] },
    ]),
  );
  const changes = changesOf(stored, wanted);
  assert.deepEqual(
    changes.keep.map((index) => index.id),
    [1, 2],
  );
  assert.deepEqual(
    changes.drop.map((index) => index.id),
    [3, 4],
  );
  assert.deepEqual(changes.build, [{ table: "notes", name: "by_c", fields: ["d", "c"] }]);
});

test("a removed table keeps its documents in order, loses its other indexes, and is named", () => {
  const stored = indexesOf(definition("gone", [{ name: "by_a", fields: ["a"] }]));
  const changes = changesOf(stored, indexesOf(definition("notes", [])));
  assert.deepEqual(changes.undeclared, ["gone"]);
  assert.deepEqual(changes.keep, [{ table: "gone", name: BY_CREATION_TIME, fields: [] }]);
  assert.deepEqual(changes.drop, [{ table: "gone", name: "by_a", fields: ["a"] }]);
});

test("after the changes the stored indexes are the wanted ones, and a second start has nothing to do", () => {
  const tables = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom("a", "b", "a|b", 'a"'),
      indexes: fc.uniqueArray(
        fc.record({
          name: fc.constantFrom("i", "j", "k"),
          fields: fc.array(fc.constantFrom("x", "y", "x,y"), { minLength: 1, maxLength: 2 }),
        }),
        { selector: (index) => index.name },
      ),
    }),
    { selector: (table) => table.name },
  );
  const flat = (list: readonly { name: string; indexes: TableDefinition["indexes"] }[]) =>
    list.flatMap((table) => indexesOf(definition(table.name, table.indexes)));
  const keys = (list: readonly TableIndex[]) => list.map((index) => JSON.stringify(index)).sort();
  fc.assert(
    fc.property(tables, tables, (before, after) => {
      const wanted = flat(after);
      const first = changesOf(flat(before), wanted);
      const stored = [...first.keep, ...first.build];
      const inUse = stored.filter((index) => !first.undeclared.includes(index.table));
      assert.deepEqual(keys(inUse), keys(wanted));
      const second = changesOf(stored, wanted);
      assert.deepEqual([second.build, second.drop], [[], []]);
      assert.equal(first.keep.length + first.drop.length, flat(before).length);
    }),
  );
});
