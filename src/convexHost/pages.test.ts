import assert from "node:assert/strict";
import { test } from "node:test";
import type { JSONValue } from "convex/values";
import fc from "fast-check";
import { InvalidCursor } from "./cursors.ts";
import { overlaps } from "./ranges.ts";
import { openTempStore, queryOf, type TempStore } from "./testing/tempStore.ts";
import type { TouchedKey } from "./words.ts";

const tables = [
  {
    indexes: [{ name: "by_n", fields: ["n"] }],
    searchIndexes: [{ name: "by_text", field: "text", filters: [] }],
  },
];

interface Page {
  readonly ns: readonly number[];
  readonly isDone: boolean;
  readonly continueCursor: string;
  readonly splitCursor: string | null;
  readonly pageStatus: string | null;
  readonly journal: string;
}

interface Request {
  readonly cursor?: string | null;
  readonly endCursor?: string | null;
  readonly pageSize?: number;
  readonly maximumRowsRead?: number;
  readonly maximumBytesRead?: number;
}

async function pageOf(
  temp: TempStore,
  query: JSONValue,
  request: Request = {},
  journal: string | null = null,
): Promise<Page> {
  const whole: JSONValue = { query, cursor: null, endCursor: null, pageSize: 3, maximumRowsRead: null, ...request };
  const { value } = await temp.read((transaction) => transaction.page("", whole, journal));
  const { page, ...rest } = value.result as unknown as Omit<Page, "ns"> & { page: readonly { readonly n: number }[] };
  return { ...rest, ns: page.map(({ n }) => n), journal: value.journal };
}

const fill = (temp: TempStore, ns: readonly number[]) =>
  temp.write((transaction) => ns.map((n) => transaction.insert("", "items", { n, text: "word" })));

async function allPages(temp: TempStore, query: JSONValue, request: Request): Promise<Page[]> {
  const pages: Page[] = [];
  for (let cursor: string | null = null; pages.at(-1)?.isDone !== true; cursor = pages.at(-1)?.continueCursor ?? null) {
    assert.ok(pages.length < 100);
    pages.push(await pageOf(temp, query, { ...request, cursor }));
  }
  return pages;
}

test("pages follow one another without gap or repetition, and the last one says so", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [1, 2, 3, 4, 5, 6, 7]);
  for (const [order, expected] of [
    ["asc", [[1, 2, 3], [4, 5, 6], [7]]],
    ["desc", [[7, 6, 5], [4, 3, 2], [1]]],
  ] as const) {
    const pages = await allPages(temp, queryOf("items.by_n", { order }), {});
    assert.deepEqual(
      pages.map((page) => page.ns),
      expected,
    );
    assert.deepEqual(
      pages.map((page) => page.isDone),
      [false, false, true],
    );
  }
});

test("a page that ends exactly at the end says that it is the last one", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [1, 2, 3, 4, 5, 6]);
  const pages = await allPages(temp, queryOf("items.by_n"), {});
  assert.deepEqual(
    pages.map((page) => [page.ns, page.isDone]),
    [
      [[1, 2, 3], false],
      [[4, 5, 6], true],
    ],
  );
  const empty = await pageOf(temp, queryOf("items.by_n", { range: [["Gt", "n", 9]] }));
  assert.deepEqual([empty.ns, empty.isDone], [[], true]);
  const behind = await pageOf(temp, queryOf("items.by_n"), { cursor: pages[1]?.continueCursor ?? null });
  assert.deepEqual([behind.ns, behind.isDone], [[], true]);
  const nowhere = await pageOf(temp, queryOf("nothing"));
  assert.deepEqual([nowhere.ns, nowhere.isDone], [[], true]);
});

test("paging across inserts and deletes gives each row that stays once, in order, and none twice", async (t) => {
  const change = fc.record({
    add: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 4 }),
    removeAt: fc.array(fc.nat(100), { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 25 }),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom("asc" as const, "desc" as const),
      async (start, changes, pageSize, order) => {
        const temp = openTempStore(t, tables);
        const { value: ids } = await fill(temp, start);
        const stays = new Set(ids);
        const query = queryOf("items.by_n", { order });
        const seen: { readonly _id: string; readonly n: number }[] = [];
        let cursor: string | null = null;
        for (let round = 0; ; round++) {
          const request: JSONValue = { query, cursor, endCursor: null, pageSize, maximumRowsRead: null };
          const { value } = await temp.read((transaction) => transaction.page("", request, null));
          const page = value.result as unknown as Page & { page: typeof seen };
          seen.push(...page.page);
          if (page.isDone) break;
          cursor = page.continueCursor;
          const { add, removeAt } = changes[round % changes.length] ?? { add: [], removeAt: [] };
          if (round < 8) await fill(temp, add);
          const removed = new Set(
            removeAt.map((at) => ids[at % Math.max(1, ids.length)]).filter((id) => id !== undefined && stays.has(id)),
          );
          await temp.write((transaction) => {
            for (const id of removed) transaction.remove("", "items", id ?? "");
          });
          for (const id of removed) stays.delete(id ?? "");
        }
        const seenIds = seen.map(({ _id }) => _id);
        assert.equal(new Set(seenIds).size, seenIds.length);
        for (const id of stays) assert.ok(seenIds.includes(id));
        const ns = seen.map(({ n }) => n);
        assert.deepEqual(
          ns,
          ns.toSorted((a, b) => (order === "asc" ? a - b : b - a)),
        );
        temp.store.close();
      },
    ),
    { numRuns: 40 },
  );
});

test("a cursor of another query, or of the same one with other arguments, is refused", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [1, 2, 3, 4]);
  const { continueCursor } = await pageOf(temp, queryOf("items.by_n"), { pageSize: 2 });
  const refuse = (query: JSONValue, request: Request) => assert.rejects(pageOf(temp, query, request), InvalidCursor);
  await refuse(queryOf("items"), { cursor: continueCursor });
  await refuse(queryOf("items.by_n", { order: "desc" }), { cursor: continueCursor });
  await refuse(queryOf("items.by_n", { range: [["Gt", "n", 0]] }), { cursor: continueCursor });
  await refuse(queryOf("items.by_n"), { cursor: "end" });
  await refuse(queryOf("items"), { endCursor: continueCursor });
  await assert.rejects(
    temp.read((transaction) =>
      transaction.page("mail", { query: queryOf("items.by_n"), cursor: continueCursor, pageSize: 1 }, null),
    ),
    InvalidCursor,
  );
  temp.reopen();
  assert.deepEqual((await pageOf(temp, queryOf("items.by_n"), { cursor: continueCursor })).ns, [3, 4]);
});

test("an end cursor fixes where a page ends, however much lies before it", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [10, 20, 30, 40, 50]);
  const query = queryOf("items.by_n");
  const first = await pageOf(temp, query, { pageSize: 2 });
  await fill(temp, [11, 12, 13, 14, 25]);
  const again = await pageOf(temp, query, { pageSize: 2, endCursor: first.continueCursor });
  assert.deepEqual(again.ns, [10, 11, 12, 13, 14, 20]);
  assert.deepEqual([again.continueCursor, again.isDone], [first.continueCursor, false]);
  const second = await pageOf(temp, query, { cursor: first.continueCursor, pageSize: 9 });
  assert.deepEqual([second.ns, second.isDone], [[25, 30, 40, 50], true]);
  await fill(temp, [60]);
  const grown = await pageOf(temp, query, { cursor: first.continueCursor, endCursor: second.continueCursor });
  assert.deepEqual([grown.ns, grown.isDone], [[25, 30, 40, 50, 60], true]);
  const nothing = await pageOf(temp, query, { cursor: second.continueCursor, endCursor: first.continueCursor });
  assert.deepEqual(nothing.ns, []);
  const downwards = queryOf("items.by_n", { order: "desc" });
  const top = await pageOf(temp, downwards, { pageSize: 2 });
  assert.deepEqual((await pageOf(temp, downwards, { endCursor: top.continueCursor })).ns, [60, 50]);
  assert.deepEqual((await pageOf(temp, downwards, { cursor: top.continueCursor, pageSize: 1 })).ns, [40]);
});

test("a page that runs again with its journal ends where it ended before", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [10, 20, 30, 40]);
  const query = queryOf("items.by_n");
  const first = await pageOf(temp, query, { pageSize: 2 });
  await fill(temp, [5, 15, 35]);
  const again = await pageOf(temp, query, { pageSize: 2 }, first.journal);
  assert.deepEqual(
    [again.ns, again.continueCursor, again.journal],
    [[5, 10, 15, 20], first.continueCursor, first.journal],
  );
  assert.deepEqual((await pageOf(temp, query, { pageSize: 2 })).ns, [5, 10]);
  const last = await pageOf(temp, query, { pageSize: 9 });
  await fill(temp, [99]);
  assert.deepEqual((await pageOf(temp, query, { pageSize: 9 }, last.journal)).ns, [5, 10, 15, 20, 30, 35, 40, 99]);
  // One of another query, another start, or nonsense says nothing.
  assert.deepEqual((await pageOf(temp, queryOf("items"), { pageSize: 1 }, first.journal)).ns, [10]);
  assert.deepEqual((await pageOf(temp, query, { cursor: first.continueCursor, pageSize: 1 }, first.journal)).ns, [30]);
  assert.deepEqual((await pageOf(temp, query, { pageSize: 1 }, "nonsense")).ns, [5]);
});

test("an unchanged page is the same text each time it runs", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [1, 2, 3, 4, 5, 6]);
  const read = () => pageOf(temp, queryOf("items.by_n"), { pageSize: 4 });
  assert.equal(JSON.stringify(await read()), JSON.stringify(await read()));
});

test("a new page stops after the rows or bytes that it may read, and goes on from there", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [1, 2, 3, 4, 5, 6, 7]);
  const isSeven: JSONValue = { $eq: [{ $field: "n" }, { $literal: 7 }] };
  const query = queryOf("items.by_n", { filter: isSeven });
  const pages = await allPages(temp, query, { pageSize: 2, maximumRowsRead: 3 });
  assert.deepEqual(
    pages.map((page) => [page.ns, page.pageStatus]),
    [
      [[], null],
      [[], null],
      [[7], null],
    ],
  );
  const byBytes = await allPages(temp, queryOf("items.by_n"), { pageSize: 9, maximumBytesRead: 150 });
  assert.ok(byBytes.length > 2);
  assert.deepEqual(
    byBytes.flatMap((page) => page.ns),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert.deepEqual(
    (await allPages(temp, queryOf("items.by_n"), { maximumBytesRead: 0 })).map((page) => page.ns.length),
    [1, 1, 1, 1, 1, 1, 1],
  );
});

test("a page with a fixed end that may not be read whole must be split, and both halves make it whole", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [10, 20, 30]);
  const query = queryOf("items.by_n");
  const first = await pageOf(temp, query, { pageSize: 2 });
  await fill(temp, [11, 12, 13, 14]);
  const request = { endCursor: first.continueCursor, maximumRowsRead: 4 };
  const short = await pageOf(temp, query, request);
  assert.equal(short.pageStatus, "SplitRequired");
  assert.equal(short.continueCursor, first.continueCursor);
  assert.ok(short.splitCursor !== null);
  const halves = [
    await pageOf(temp, query, { ...request, endCursor: short.splitCursor }),
    await pageOf(temp, query, { ...request, cursor: short.splitCursor }),
  ];
  assert.deepEqual(
    halves.flatMap((half) => half.ns),
    [10, 11, 12, 13, 14, 20],
  );
  assert.deepEqual(
    halves.map((half) => half.pageStatus),
    [null, null],
  );
  const single = await pageOf(temp, query, { endCursor: first.continueCursor, maximumRowsRead: 1 });
  assert.deepEqual((await pageOf(temp, query, { endCursor: single.splitCursor })).ns, [10]);
});

test("a page can be split in its middle; one of a single row cannot", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [1, 2, 3, 4, 5]);
  const query = queryOf("items.by_n");
  const page = await pageOf(temp, query, { pageSize: 4 });
  const left = await pageOf(temp, query, { endCursor: page.splitCursor });
  const right = await pageOf(temp, query, { cursor: page.splitCursor, endCursor: page.continueCursor });
  assert.deepEqual(
    [left.ns, right.ns],
    [
      [1, 2],
      [3, 4],
    ],
  );
  assert.equal((await pageOf(temp, query, { pageSize: 1 })).splitCursor, null);
});

test("a page that has grown close to what a function may read asks to be split", async (t) => {
  const temp = openTempStore(t, tables);
  const large = (from: number) =>
    temp.write((transaction) => {
      for (let i = 0; i < 10; i++) transaction.insert("", "items", { n: from + i / 100, text: "x".repeat(1_000_000) });
    });
  await large(10);
  await fill(temp, [20, 30]);
  const query = queryOf("items.by_n");
  const first = await pageOf(temp, query, { pageSize: 11 });
  assert.deepEqual([first.ns.length, first.pageStatus], [11, "SplitRecommended"]);
  await large(11);
  const grown = await pageOf(temp, query, { pageSize: 11 }, first.journal);
  assert.equal(grown.pageStatus, "SplitRequired");
  const fresh = await pageOf(temp, query, { pageSize: 40 });
  assert.ok(!fresh.isDone && fresh.ns.length < 22);
});

test("a page of no rows stays where it is", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [1, 2]);
  const query = queryOf("items.by_n");
  const none = await pageOf(temp, query, { pageSize: 0 });
  assert.deepEqual([none.ns, none.isDone], [[], false]);
  assert.deepEqual((await pageOf(temp, query, { cursor: none.continueCursor })).ns, [1, 2]);
  assert.deepEqual((await pageOf(temp, query, { endCursor: none.continueCursor })).ns, []);
});

test("a page has read up to its end, and whether something follows", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [10, 20, 30, 40]);
  const request: JSONValue = { query: queryOf("items.by_n"), cursor: null, endCursor: null, pageSize: 2 };
  const { reads } = await temp.read((transaction) => transaction.page("", request, null));
  const isTouchedBy = async (n: number) => {
    const touched: TouchedKey[] = [];
    const stop = temp.queue.onCommit((_, keys) => touched.push(...keys));
    await fill(temp, [n]);
    stop();
    return overlaps(reads, touched);
  };
  assert.deepEqual([await isTouchedBy(5), await isTouchedBy(15), await isTouchedBy(35)], [true, true, false]);
});

test("the results of a search have pages too", async (t) => {
  const temp = openTempStore(t, tables);
  await fill(temp, [1, 2, 3, 4, 5]);
  const filters = [{ type: "Search", fieldPath: "text", value: "word" }];
  const query: JSONValue = { source: { type: "Search", indexName: "items.by_text", filters }, operators: [] };
  const pages = await allPages(temp, query, { pageSize: 2 });
  assert.deepEqual(
    pages.map((page) => page.ns),
    [[5, 4], [3, 2], [1]],
  );
  const first = pages[0] as Page;
  assert.deepEqual((await pageOf(temp, query, { endCursor: first.continueCursor })).ns, [5, 4]);
});

test("a malformed request says what was expected", async (t) => {
  const temp = openTempStore(t, tables);
  const query = queryOf("items.by_n");
  await assert.rejects(pageOf(temp, query, { pageSize: -1 }), /numItems: expected a number of at least 0, got -1/);
  await assert.rejects(
    pageOf(temp, query, { cursor: 5 as unknown as string }),
    /cursor: expected a cursor or null, got 5/,
  );
  await assert.rejects(pageOf(temp, queryOf("items.by_n", { limit: 3 })), /a query with a limit has no pages/);
});
