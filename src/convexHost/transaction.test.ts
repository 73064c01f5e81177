import assert from "node:assert/strict";
import { test } from "node:test";
import { convexToJson, type JSONValue, v, type Value } from "convex/values";
import fc from "fast-check";
import { encodeId } from "./ids.ts";
import { LimitError, LIMITS } from "./limits.ts";
import { overlaps } from "./ranges.ts";
import { COMMIT_TS } from "./storedJson.ts";
import type { SqliteTransaction } from "./transaction.ts";
import { collect, openTempStore, queryOf, schemaOf } from "./testing/tempStore.ts";
import type { ValidatorJson } from "./validatorJson.ts";
import type { TouchedKey } from "./words.ts";

const byN = { indexes: [{ name: "by_n", fields: ["n"] }] };
const all = (transaction: Parameters<typeof collect>[0]) =>
  collect(transaction, queryOf("items")).map((document) => document["n"]);
const validatorOf = (validator: unknown) => (validator as { json: ValidatorJson }).json;

test("a document is written, read, patched, replaced and removed", async (t) => {
  const temp = openTempStore(t, [byN]);
  await temp.write((transaction) => {
    const id = transaction.insert("", "items", { n: 1, text: "a", deep: { x: 1 } });
    const read = () => transaction.get("", "items", id);
    const { _creationTime } = read() ?? { _creationTime: 0 };
    assert.deepEqual(read(), { _id: id, _creationTime, n: 1, text: "a", deep: { x: 1 } });
    transaction.patch("", "items", id, { n: 2, text: { $undefined: null }, deep: { y: { $integer: "BQAAAAAAAAA=" } } });
    assert.deepEqual(read(), { _id: id, _creationTime, n: 2, deep: { y: 5n } });
    transaction.replace("", undefined, id, { text: "only" });
    assert.deepEqual(read(), { _id: id, _creationTime, text: "only" });
    transaction.replace("", undefined, id, { _id: id, _creationTime, n: 3 });
    assert.deepEqual(all(transaction), [3]);
    transaction.remove("", "items", id);
    assert.equal(read(), null);
    assert.deepEqual(collect(transaction, queryOf("items.by_n")), []);
  });
});

test("a write says what it expected", async (t) => {
  const temp = openTempStore(t, [{ ...byN, validator: validatorOf(v.object({ n: v.number() })) }, { name: "others" }]);
  await temp.write((transaction) => {
    const id = transaction.insert("", "items", { n: 1 });
    const refuse = (action: () => unknown, message: RegExp) => assert.throws(action, message);
    refuse(
      () => transaction.insert("", "items", { n: "1" }),
      /table "items" because it does not match the schema[\s\S]*\.n[\s\S]*v\.float64\(\)/,
    );
    refuse(() => transaction.insert("", "items", { n: 1, more: 2 }), /extra field `more`/);
    refuse(() => transaction.insert("", "items", { _id: id, n: 1 }), /"_id" is given by the host/);
    refuse(() => transaction.insert("", "items", [1] as Value), /must be an object, got \[1\]/);
    refuse(() => transaction.insert("", "_nothing", {}), /"_nothing" is not a table name/);
    refuse(() => transaction.insert("", "bad name", {}), /"bad name" is not a table name/);
    refuse(() => transaction.insert("", "others", { _mine: 1 }), /Field name "_mine" is not allowed/);
    refuse(() => transaction.patch("", "items", id, { n: { $undefined: null } }), /missing the required field `n`/);
    refuse(() => transaction.patch("", "items", id, { _id: "other" }), /"_id" and "_creationTime" cannot be changed/);
    refuse(
      () => transaction.patch("", "items", id, JSON.parse('{"__proto__": {"n": 2}}') as JSONValue),
      /"__proto__" is not allowed/,
    );
    refuse(() => transaction.replace("", "items", id, { n: 1, _creationTime: 5 }), /cannot be changed/);
    refuse(() => transaction.get("", "others", id), /expected an id of table "others", got one of table "items"/);
    refuse(() => transaction.get("", undefined, "nonsense"), /"nonsense" is not an id of any table here/);
    transaction.remove("", "items", id);
    refuse(() => transaction.patch("", "items", id, { n: 2 }), /Update on nonexistent document ID/);
    refuse(() => transaction.replace("", "items", id, { n: 2 }), /Replace on nonexistent document ID/);
    refuse(() => transaction.remove("", "items", id), /Delete on nonexistent document ID/);
    assert.deepEqual(all(transaction), []);
  });
});

test("a query cannot write", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { value: id } = await temp.write((transaction) => transaction.insert("", "items", { n: 1 }));
  for (const write of [
    (transaction: SqliteTransaction) => transaction.insert("", "items", { n: 2 }),
    (transaction: SqliteTransaction) => transaction.patch("", "items", id, { n: 2 }),
    (transaction: SqliteTransaction) => transaction.replace("", "items", id, { n: 2 }),
    (transaction: SqliteTransaction) => transaction.remove("", "items", id),
  ]) {
    await assert.rejects(temp.read(write), /a query cannot write/);
  }
});

test("an id is normalized only for the table and component that it belongs to", async (t) => {
  const temp = openTempStore(t, [{ name: "items" }, { name: "others" }]);
  await temp.write((transaction) => {
    const id = transaction.insert("", "items", {});
    assert.equal(transaction.normalizeId("", "items", id), id);
    assert.equal(transaction.normalizeId("", "others", id), null);
    assert.equal(transaction.normalizeId("mail", "items", id), null);
    assert.equal(transaction.normalizeId("", "items", id.toUpperCase()), null);
    assert.equal(transaction.normalizeId("", "items", encodeId(77)), null);
  });
});

test("new ids are all different, and cannot be guessed from one another", async (t) => {
  const temp = openTempStore(t);
  const make = () =>
    temp.write((transaction) => Array.from({ length: 500 }, () => transaction.insert("", "items", {})));
  const ids = [...(await make()).value, ...(await make()).value];
  assert.equal(new Set(ids).size, 1_000);
  // 80 of the bits behind the table and the time.
  assert.equal(new Set(ids.map((id) => id.slice(14, 30))).size, 1_000);
});

test("a table is made by the first document, and gone when that is rolled back", async (t) => {
  const temp = openTempStore(t);
  await assert.rejects(
    temp.write((transaction) => {
      transaction.insert("", "made", {});
      throw new Error("no");
    }),
    /no/,
  );
  assert.equal(temp.store.catalog.find("", "made"), undefined);
  await temp.write((transaction) => {
    const savepoint = transaction.begin();
    transaction.insert("", "made", {});
    savepoint.rollback();
    assert.deepEqual(collect(transaction, queryOf("made")), []);
    transaction.insert("", "made", {});
  });
  temp.reopen();
  assert.equal((await temp.read((transaction) => collect(transaction, queryOf("made")))).value.length, 1);
});

test("a query on a table that does not exist hears of its first document", async (t) => {
  const temp = openTempStore(t);
  const { reads, value } = await temp.read((transaction) => [
    transaction.count("", "made"),
    ...collect(transaction, queryOf("made")),
  ]);
  assert.deepEqual(value, [0]);
  const touched: TouchedKey[] = [];
  temp.queue.onCommit((_, keys) => touched.push(...keys));
  await temp.write((transaction) => transaction.insert("", "other", {}));
  assert.ok(!overlaps(reads, [...touched]));
  await temp.write((transaction) => transaction.insert("", "made", {}));
  assert.ok(overlaps(reads, [...touched]));
});

test("a nested call that is rolled back leaves nothing: no document, no touched key, no read, no spending of writes", async (t) => {
  const temp = openTempStore(t, [byN]);
  await temp.write((transaction) => {
    const kept = transaction.insert("", "items", { n: 1 });
    const [touched, reads, usage] = [transaction.touched.length, transaction.reads.length, transaction.usage()];
    const outer = transaction.begin();
    transaction.patch("", "items", kept, { n: 2 });
    const inner = transaction.begin();
    transaction.insert("", "items", { n: 3 });
    inner.release();
    const other = transaction.begin();
    transaction.remove("", "items", kept);
    other.rollback();
    assert.deepEqual(all(transaction), [2, 3]);
    outer.rollback();
    assert.deepEqual([transaction.touched.length, transaction.reads.length], [touched, reads]);
    assert.equal(transaction.usage().bytesWritten, usage.bytesWritten);
    assert.equal(transaction.usage().documentsWritten, usage.documentsWritten);
    assert.ok(transaction.usage().documentsRead > usage.documentsRead);
    assert.deepEqual(all(transaction), [1]);
    assert.deepEqual(
      collect(transaction, queryOf("items.by_n")).map((document) => document["n"]),
      [1],
    );
  });
  assert.deepEqual((await temp.read(all)).value, [1]);
});

test("what a failed nested query has read still decides the answer of the query around it", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { value: id } = await temp.write((transaction) => transaction.insert("", "items", { n: 1 }));
  const { reads } = await temp.read((transaction) => {
    const savepoint = transaction.begin();
    transaction.get("", "items", id);
    savepoint.rollback();
  });
  assert.equal(reads.length, 1);
});

test("nested calls end innermost first, once, and before their transaction", async (t) => {
  const temp = openTempStore(t, [byN]);
  await temp.write((transaction) => {
    const outer = transaction.begin();
    const inner = transaction.begin();
    assert.throws(() => outer.release(), /must end before the one around it/);
    inner.release();
    assert.throws(() => inner.rollback(), /must end before the one around it/);
    outer.release();
  });
  const open = temp.write((transaction) => {
    transaction.begin();
    transaction.insert("", "items", { n: 1 });
  });
  await assert.rejects(open, /a nested call has not ended/);
  assert.deepEqual((await temp.read(all)).value, []);
});

test("nested calls do what a model of copies does", async (t) => {
  const temp = openTempStore(t, [byN]);
  const step = fc.oneof(
    fc.record({ type: fc.constant("insert" as const), n: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ type: fc.constant("patch" as const), at: fc.nat(20), n: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ type: fc.constant("remove" as const), at: fc.nat(20) }),
    fc.record({ type: fc.constantFrom("begin" as const, "release" as const, "rollback" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await temp.write((transaction) => {
        let model = new Map(
          collect(transaction, queryOf("items")).map((document) => [document._id, document["n"] as number]),
        );
        const open: { savepoint: ReturnType<typeof transaction.begin>; before: Map<string, number> }[] = [];
        for (const step of steps) {
          const id = "at" in step ? [...model.keys()][step.at % Math.max(1, model.size)] : undefined;
          if (step.type === "insert") model.set(transaction.insert("", "items", { n: step.n }), step.n);
          else if (step.type === "begin") open.push({ savepoint: transaction.begin(), before: new Map(model) });
          else if (step.type === "release") open.pop()?.savepoint.release();
          else if (step.type === "rollback") {
            const last = open.pop();
            last?.savepoint.rollback();
            model = last?.before ?? model;
          } else if (id !== undefined && step.type === "patch") {
            transaction.patch("", "items", id, { n: step.n });
            model.set(id, step.n);
          } else if (id !== undefined) {
            transaction.remove("", "items", id);
            model.delete(id);
          }
        }
        for (const { savepoint } of open.reverse()) savepoint.release();
        const stored = collect(transaction, queryOf("items.by_n"));
        assert.deepEqual(new Map(stored.map((document) => [document._id, document["n"]])), model);
        assert.deepEqual(
          stored.map((document) => document["n"]),
          [...model.values()].sort(),
        );
      });
    }),
    { numRuns: 60 },
  );
});

test("a transaction that has ended does nothing any more, even if a handler goes on", async (t) => {
  const temp = openTempStore(t, [byN]);
  let left: SqliteTransaction | undefined;
  await temp.write((transaction) => {
    left = transaction;
  });
  assert.throws(() => left?.insert("", "items", { n: 1 }), /has ended/);
  await assert.rejects(
    temp.write((transaction) => {
      left = transaction;
      throw new Error("no");
    }),
  );
  assert.throws(() => left?.get("", "items", "id"), /has ended/);
});

test("limits are errors with a name, count nested calls too, and can be lowered for those", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { value: large } = await temp.write((transaction) =>
    transaction.insert("", "items", { text: "x".repeat(900_000) }),
  );
  const isLimit = (limit: string) => (error: unknown) => error instanceof LimitError && error.limit === limit;
  await assert.rejects(
    temp.write((transaction) => transaction.insert("", "items", { text: "x".repeat(LIMITS.documentBytes) })),
    isLimit("documentBytes"),
  );
  await assert.rejects(
    temp.read((transaction) => Array.from({ length: 20 }, () => transaction.get("", "items", large))),
    isLimit("bytesRead"),
  );
  await assert.rejects(
    temp.read((transaction) =>
      Array.from({ length: LIMITS.rangesRead + 1 }, () => transaction.openQuery("", queryOf("items"))),
    ),
    isLimit("rangesRead"),
  );
  await assert.rejects(
    temp.write((transaction) =>
      Array.from({ length: 20 }, () => transaction.insert("", "items", { text: "x".repeat(900_000) })),
    ),
    isLimit("bytesWritten"),
  );
  await assert.rejects(
    temp.write((transaction) => {
      for (let i = 0; i <= LIMITS.functionsScheduled; i++)
        transaction.insert("", "_scheduled_functions", { state: { kind: "pending" } });
    }),
    isLimit("functionsScheduled"),
  );
  await temp.write((transaction) => {
    const nested = transaction.begin({ documentsWritten: 1 });
    transaction.insert("", "items", { n: 1 });
    assert.throws(() => transaction.insert("", "items", { n: 2 }), isLimit("documentsWritten"));
    nested.release();
    transaction.insert("", "items", { n: 3 });
    assert.deepEqual(
      collect(transaction, queryOf("items.by_n", { range: [["Gt", "n", 0]] })).map((document) => document["n"]),
      [1, 3],
    );
  });
});

test("db.vars.commitTs is the transaction's own timestamp in documents and index keys, and a placeholder before", async (t) => {
  const temp = openTempStore(t, [
    {
      indexes: [
        { name: "by_at", fields: ["at"] },
        { name: "by_list", fields: ["list"] },
      ],
    },
  ]);
  const commitTs = { $commitTs: null };
  const at = (transaction: Parameters<typeof collect>[0], index = "items.by_at") =>
    collect(transaction, queryOf(index)).map((document) => [document["at"], document["name"]]);
  const write = (transaction: SqliteTransaction, name: string) =>
    transaction.insert("", "items", { name, at: COMMIT_TS, list: [1, COMMIT_TS] });
  const first = await temp.write((transaction) => {
    const id = write(transaction, "a");
    assert.deepEqual(convexToJson(transaction.get("", "items", id)?.["at"] as Value), commitTs);
    assert.ok(transaction.snapshotTs < temp.store.ts + 1n);
    return id;
  });
  const second = await temp.write((transaction) => {
    write(transaction, "b");
    write(transaction, "c");
    transaction.insert("", "items", { name: "far", at: 2n ** 62n });
    // Still unknown: behind everything that is committed, and behind every other int64.
    assert.deepEqual(
      at(transaction).map(([, name]) => name),
      ["a", "far", "b", "c"],
    );
    const patched = transaction.get("", "items", first.value);
    transaction.patch("", "items", first.value, { name: "a again" });
    assert.equal(patched?.["at"], first.ts);
  });
  assert.ok(second.ts > first.ts);
  const { value } = await temp.read((transaction) => {
    assert.equal(transaction.snapshotTs, second.ts);
    const lists = at(transaction, "items.by_list").map(([, name]) => name);
    assert.deepEqual(lists, ["far", "a again", "b", "c"]);
    const range = queryOf("items.by_at", {
      range: [
        ["Gt", "at", first.ts],
        ["Lte", "at", transaction.snapshotTs],
      ],
    });
    assert.deepEqual(
      collect(transaction, range).map((document) => document["name"]),
      ["b", "c"],
    );
    return at(transaction);
  });
  assert.deepEqual(value, [
    [first.ts, "a again"],
    [second.ts, "b"],
    [second.ts, "c"],
    [2n ** 62n, "far"],
  ]);
  const touched: TouchedKey[] = [];
  temp.queue.onCommit((_, keys) => touched.push(...keys));
  // Bounds around now: the placeholder's own place, behind all int64s, is not among them.
  const soon = queryOf("items.by_at", {
    range: [
      ["Gt", "at", second.ts],
      ["Lt", "at", 2n ** 61n],
    ],
  });
  const { reads } = await temp.read((transaction) => collect(transaction, soon));
  await temp.write((transaction) => write(transaction, "d"));
  assert.ok(overlaps(reads, touched), "the key that the timestamp got is told");
});

test("a placeholder that is overwritten, removed or rolled back is not resolved", async (t) => {
  const temp = openTempStore(t, [{ indexes: [{ name: "by_at", fields: ["at"] }] }]);
  const commitTs = { $commitTs: null };
  const { ts } = await temp.write((transaction) => {
    const ids = ["kept", "overwritten", "removed"].map((name) => {
      const id = transaction.insert("", "items", { name });
      transaction.patch("", "items", id, { at: commitTs });
      return id;
    });
    transaction.patch("", "items", ids[1] ?? "", { at: 5 });
    transaction.remove("", "items", ids[2] ?? "");
    const nested = transaction.begin();
    transaction.patch("", "items", ids[1] ?? "", { at: commitTs });
    transaction.patch("", "items", ids[0] ?? "", { at: 6 });
    nested.rollback();
  });
  const { value } = await temp.read((transaction) => collect(transaction, queryOf("items.by_at")));
  assert.deepEqual(
    value.map((document) => [document["name"], document["at"]]),
    [
      ["kept", ts],
      ["overwritten", 5],
    ],
  );
});

test("a stale snapshot sees the start of its transaction, whatever was written since, also of its own group", async (t) => {
  const temp = openTempStore(t, [
    { ...byN, searchIndexes: [{ name: "by_text", field: "text", filters: [] }], validator: null },
  ]);
  const search = {
    source: {
      type: "Search",
      indexName: "items.by_text",
      filters: [{ type: "Search", fieldPath: "text", value: "word" }],
    },
    operators: [],
  };
  const look = (view: Pick<SqliteTransaction, "openQuery" | "nextOf" | "closeQuery" | "count">) => [
    collect(view, queryOf("items.by_n")).map((document) => document["n"]),
    collect(view, search).length,
    view.count("", "items"),
  ];
  const setUp = temp.write((transaction) => {
    return [1, 2, 3].map((n) => transaction.insert("", "items", { n, text: `word ${n}` }));
  });
  // The same group: nothing of the first transaction is on the disk when the second one looks.
  const looked = temp.write((transaction) => {
    const [one, two] = collect(transaction, queryOf("items.by_n")).map((document) => document._id);
    const stale = transaction.stale() as unknown as SqliteTransaction;
    const start = look(transaction);
    assert.deepEqual(start, [[1, 2, 3], 3, 3]);
    assert.deepEqual(look(stale), start);
    transaction.patch("", "items", one ?? "", { n: 7, text: "between" });
    transaction.patch("", "items", one ?? "", { n: 9, text: "other" });
    transaction.remove("", "items", two ?? "");
    const nested = transaction.begin();
    const added = transaction.insert("", "items", { n: 4, text: "word" });
    const reads = transaction.reads.length;
    assert.deepEqual(look(stale), start);
    assert.equal(stale.get("", "items", two ?? "")?.["n"], 2);
    assert.equal(stale.get("", "items", added), null);
    assert.equal(transaction.reads.length, reads, "it adds no read interval");
    assert.deepEqual(stale.reads, []);
    assert.deepEqual(look(transaction), [[3, 4, 9], 2, 3]);
    assert.deepEqual(look(stale), start);
    nested.rollback();
    assert.deepEqual(look(transaction), [[3, 9], 1, 2]);
    assert.deepEqual(look(stale), start);
    assert.throws(() => stale.insert("", "items", {}), /cannot be written/);
    assert.equal(stale.snapshotTs, transaction.snapshotTs);
  });
  await Promise.all([setUp, looked]);
  assert.deepEqual((await temp.read((transaction) => look(transaction))).value, [[3, 9], 1, 2]);
});

test("a stale snapshot read half way through stays at the start while its transaction goes on", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { value: ids } = await temp.write((transaction) =>
    [1, 2, 3, 4].map((n) => transaction.insert("", "items", { n })),
  );
  await temp.write((transaction) => {
    const stale = transaction.stale();
    const query = stale.openQuery("", queryOf("items.by_n", { filter: { $neq: [{ $field: "n" }, { $literal: 0 }] } }));
    const seen: unknown[] = [stale.nextOf(query)?.["n"]];
    const own = transaction.openQuery("", queryOf("items.by_n"));
    assert.equal(transaction.nextOf(own)?.["n"], 1);
    for (const id of ids.slice(1)) transaction.remove("", "items", id);
    for (let next = stale.nextOf(query); next !== null; next = stale.nextOf(query)) seen.push(next["n"]);
    assert.deepEqual(seen, [1, 2, 3, 4]);
    assert.equal(transaction.nextOf(own), null);
    const savepoint = stale.begin();
    savepoint.release();
  });
  assert.deepEqual((await temp.read(all)).value, [1]);
});

test("spending of a stale snapshot counts for the transaction", async (t) => {
  const temp = openTempStore(t, [byN]);
  const { value: id } = await temp.write((transaction) => transaction.insert("", "items", { n: 1 }));
  await temp.write((transaction) => {
    transaction.stale().get("", "items", id);
    assert.equal(transaction.usage().documentsRead, 1);
  });
});

test("a document of a component is none elsewhere", async (t) => {
  const temp = openTempStore(t);
  temp.store.applySchemas(new Map([["mail", schemaOf({})]]));
  const { value: id } = await temp.write((transaction) => transaction.insert("mail", "items", { n: 1 }));
  await assert.rejects(
    temp.read((transaction) => transaction.get("", undefined, id)),
    /is not an id of any table here/,
  );
  assert.deepEqual((await temp.read(all)).value, []);
});
