// Contract suite of hosts: values, their order, ranges and pages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { below, errorOf, mutationOf, type Probes, queryOf, shuffled } from "./contractProbes.ts";

const bytes = (...values: number[]): ArrayBuffer => Uint8Array.from(values).buffer;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

function nested(depth: number): unknown {
  return depth === 0 ? [Number.NaN, INT64_MIN, bytes(0, 255)] : { list: [nested(depth - 1)], none: null };
}

const VALUES: Readonly<Record<string, unknown>> = {
  nothing: null,
  yes: true,
  no: false,
  zero: 0,
  minusZero: -0,
  notANumber: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  minusInfinity: Number.NEGATIVE_INFINITY,
  largest: Number.MAX_VALUE,
  smallest: Number.MIN_VALUE,
  lastSafe: Number.MAX_SAFE_INTEGER,
  tenth: 0.1,
  int64Zero: 0n,
  int64Min: INT64_MIN,
  int64Max: INT64_MAX,
  emptyText: "",
  zeroByte: "\0",
  zeroByteInside: "a\0b",
  emoji: "👩‍👩‍👧‍👦 and 🇪🇺",
  composed: "é",
  decomposed: "e\u0301",
  quotes: "\"'`\\\n\t\u2028",
  wireWords: "$integer",
  noBytes: bytes(),
  allBytes: bytes(...Array.from({ length: 256 }, (_, at) => at)),
  emptyList: [],
  emptyObject: {},
  mixedList: [1, 1n, "1", true, null, [], {}, bytes(1)],
  nested: nested(4),
};

/** Ascending. Texts go by their UTF-8 bytes: by UTF-16 units the emoji would come before "～". */
const ORDERED: readonly unknown[] = [
  [undefined, null, INT64_MIN, -1n, 0n, 1n, INT64_MAX],
  [Number.NEGATIVE_INFINITY, -1.5, -0, 0, Number.MIN_VALUE, 1, 2 ** 53, Number.POSITIVE_INFINITY, Number.NaN],
  [false, true],
  ["", "\0", "A", "a", "a\0", "aa", "b", "é", "～", "😀"],
  [bytes(), bytes(0), bytes(0, 0), bytes(1), bytes(127), bytes(128), bytes(255)],
  [[], [null], [null, null], [1n], [0], [0, -1], [1], ["a"], [[]]],
  [{}, { a: 1n }, { a: 0 }, { a: 0, b: null }, { a: 1 }, { b: null }],
].flat();
const RANGES = 60;
/** Below what a document may have, with room for its other fields. */
const ROOM_BYTES = 4_096;
const MIB = 2 ** 20;

const rowOf = (value: unknown, at: number) => ({ key: `k${at}`, ...(value !== undefined && { value }) });

export function testValues(probes: Probes): void {
  test("every value comes back as it went in, over HTTP, over a socket and out of the store", async (t) => {
    const run = probes.newRun();
    const client = probes.connect(t);
    await probes.mutation("put", { run, rows: Object.entries(VALUES).map(([key, value]) => ({ key, value })) });
    for (const [key, value] of Object.entries(VALUES)) {
      const wrapped = { value };
      assert.deepStrictEqual(await probes.query("echo", wrapped), value, `${key} over HTTP`);
      assert.deepStrictEqual(await client.query(queryOf("echo"), wrapped), value, `${key} over a socket`);
      assert.deepStrictEqual(await probes.query("read", { run, key }), { key, ...wrapped }, `${key} stored`);
      await client.mutation(mutationOf("put"), { run, rows: [{ key: `${key}2`, ...wrapped }] });
      const second = await client.query(queryOf("read"), { run, key: `${key}2` });
      assert.deepStrictEqual(second, { key: `${key}2`, ...wrapped }, `${key} stored over a socket`);
    }
  });

  test("a field that is undefined is a field that is missing", async () => {
    const run = probes.newRun();
    assert.deepStrictEqual(await probes.query("echo", { value: { a: undefined, b: 1 } }), { b: 1 });
    await probes.mutation("put", {
      run,
      rows: [
        { key: "a", value: undefined },
        { key: "b", value: 1 },
      ],
    });
    assert.deepStrictEqual(await probes.query("read", { run, key: "a" }), { key: "a" });
    assert.equal(await probes.mutation("patch", { run, row: { key: "b" } }), true);
    assert.deepStrictEqual(await probes.query("read", { run, key: "b" }), { key: "b" });
  });

  test("an index has the values of all types in one order, whichever way they came in", async () => {
    const run = probes.newRun();
    const rows = ORDERED.map(rowOf);
    await probes.mutation("put", { run, rows: shuffled(rows, probes.random) });
    const read = (order: "asc" | "desc", limit: number) => probes.query("inOrder", { run, order, limit });
    assert.deepStrictEqual(await read("asc", 100), rows);
    assert.deepStrictEqual(await read("desc", 100), rows.toReversed());
    assert.deepStrictEqual(await read("desc", 7), rows.toReversed().slice(0, 7));
  });

  test("a range has what lies between its bounds, with them or without them", async () => {
    const run = probes.newRun();
    const rows = ORDERED.map(rowOf);
    await probes.mutation("put", { run, rows });
    const boundAt = (at: number) => {
      const isInclusive = probes.random() < 0.5;
      return { at, isInclusive, arg: { ...(ORDERED[at] !== undefined && { value: ORDERED[at] }), isInclusive } };
    };
    const check = async () => {
      const [lower, upper] = [boundAt(below(probes.random, rows.length)), boundAt(below(probes.random, rows.length))];
      const sides = { 0: "lower", 1: "upper" }[below(probes.random, 4)] ?? "both";
      const args = {
        ...(sides !== "upper" && { lower: lower.arg }),
        ...(sides !== "lower" && { upper: upper.arg }),
      };
      const from = sides === "upper" ? 0 : lower.at + (lower.isInclusive ? 0 : 1);
      const to = sides === "lower" ? rows.length : upper.at + (upper.isInclusive ? 1 : 0);
      const found = await probes.query("inOrder", { run, order: "asc", limit: 100, ...args });
      assert.deepStrictEqual(
        found,
        rows.slice(from, Math.max(from, to)),
        JSON.stringify({ sides, lower, upper }, show),
      );
    };
    await Promise.all(Array.from({ length: RANGES }, check));
  });

  test("pages go on where they ended, whatever was removed or added meanwhile", async () => {
    const run = probes.newRun();
    const keyOf = (at: number) => `k${String(at).padStart(2, "0")}`;
    const keys = Array.from({ length: 30 }, (_, at) => keyOf(at));
    await probes.mutation("put", { run, rows: shuffled(keys, probes.random).map((key) => ({ key })) });
    const page = (cursor: string | null) => probes.query("page", { run, paginationOpts: { numItems: 10, cursor } });
    const first = await page(null);
    assert.deepEqual([first.page, first.isDone], [keys.slice(0, 10), false]);
    // The row at the cursor goes, and others on both sides of it; what comes in behind it is not seen, before it is.
    const removed = ["k00", "k09", "k10", "k11", "k25"];
    assert.equal(await probes.mutation("remove", { run, keys: removed }), removed.length);
    await probes.mutation("put", { run, rows: [{ key: "k05+" }, { key: "k12+" }] });
    const rest: string[] = [];
    let last = first;
    for (let pages = 0; !last.isDone; pages++) {
      assert.ok(pages < 10, "the pages do not end");
      last = await page(last.continueCursor);
      rest.push(...last.page);
    }
    const left = [...keys.slice(10), "k12+"].filter((key) => !removed.includes(key)).sort();
    assert.deepEqual(rest, left);
  });

  test("a document of more than 1 MiB is refused and leaves nothing, one just below is kept", async () => {
    const run = probes.newRun();
    const put = (key: string, size: number) =>
      probes.mutation("put", { run, rows: [{ key: "beside" }, { key, value: new Uint8Array(size).fill(7).buffer }] });
    await errorOf(put("above", MIB + 1));
    assert.equal(await probes.query("read", { run, key: "above" }), null);
    assert.equal(await probes.query("read", { run, key: "beside" }), null);
    await put("below", MIB - ROOM_BYTES);
    const { value } = await probes.query("read", { run, key: "below" });
    assert.ok(Buffer.from(value).equals(Buffer.alloc(MIB - ROOM_BYTES, 7)));
  });
}

const show = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);
