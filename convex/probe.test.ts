// The probes on convex-test: that each shows what it should where the behaviour is right. Hosts answer for themselves in
// src/convexHost/contract.test.ts.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { ConvexError } from "convex/values";
import { api, internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { createTest } from "./test.setup.ts";

const RUN = "run-1";
const OTHER = "run-2";

beforeEach(() => {
  process.env["PROBE_ENABLED"] = "1";
});
afterEach(() => {
  delete process.env["PROBE_ENABLED"];
});

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => assert.fail("it should have been refused"),
    (error: unknown) => (error instanceof ConvexError ? (error.data as { code: string }).code : error),
  );

const setUp = () => {
  const { t, user, service } = createTest();
  const values = (...pairs: [string, unknown?][]) =>
    service.mutation(api.probe.put, {
      run: RUN,
      rows: pairs.map(([key, value]) => ({ key, ...(value !== undefined && { value }) })),
    });
  const keys = async (args: Record<string, unknown> = {}) => {
    const rows = await service.query(api.probe.inOrder, { run: RUN, order: "asc", limit: 100, ...args });
    return rows.map((row: { key: string }) => row.key).join("");
  };
  const names = async (run = RUN) => {
    const found = await service.query(api.probe.events, { run, after: -1n, limit: 100 });
    return found.events.map((event: { name: string }) => event.name);
  };
  return { t, user, service, values, keys, names };
};

test("probes answer only the service, and only where they are switched on", async () => {
  const { t, user, service } = setUp();
  assert.equal(await codeOf(user("ann").query(api.probe.unveil, {})), "FORBIDDEN");
  assert.equal(await codeOf(t.query(api.probe.unveil, {})), "FORBIDDEN");
  for (const value of [undefined, "", "0", "true"]) {
    if (value === undefined) delete process.env["PROBE_ENABLED"];
    else process.env["PROBE_ENABLED"] = value;
    assert.equal(await codeOf(service.query(api.probe.unveil, {})), "PROBES_OFF");
    assert.equal(await codeOf(service.mutation(api.probe.cleanUp, { run: RUN })), "PROBES_OFF");
    assert.equal(await codeOf(service.action(api.probe.incrementInAction, { run: RUN, by: 1 })), "PROBES_OFF");
    // Who may not, is not told whether they are on.
    assert.equal(await codeOf(user("ann").query(api.probe.unveil, {})), "FORBIDDEN");
  }
});

test("values come back as they went in, a missing one stays missing", async () => {
  const { service, values } = setUp();
  const bytes = Uint8Array.from([0, 255]).buffer;
  const all = {
    big: -(2n ** 63n),
    half: 0.5,
    none: null,
    yes: true,
    text: "ü\0",
    bytes,
    list: [1, "a", []],
    deep: { a: { b: 1 } },
  };
  assert.deepEqual(await service.query(api.probe.echo, { value: all }), all);
  await values(["a", all], ["b"]);
  assert.deepEqual(await service.query(api.probe.read, { run: RUN, key: "a" }), { key: "a", value: all });
  assert.deepEqual(await service.query(api.probe.read, { run: RUN, key: "b" }), { key: "b" });
  assert.equal(await service.query(api.probe.read, { run: OTHER, key: "a" }), null);
  assert.equal(await service.mutation(api.probe.patch, { run: RUN, row: { key: "a" } }), true);
  assert.deepEqual(await service.query(api.probe.read, { run: RUN, key: "a" }), { key: "a" });
  assert.equal(await service.mutation(api.probe.patch, { run: RUN, row: { key: "z" } }), false);
});

test("rows come in the order of their values, between bounds that are in or out", async () => {
  const { values, keys } = setUp();
  await values(["d", "x"], ["b", 1], ["e", [1]], ["a"], ["c", true], ["f", { a: 1 }]);
  assert.equal(await keys(), "abcdef");
  assert.equal(await keys({ order: "desc", limit: 2 }), "fe");
  const bound = (value: unknown, isInclusive: boolean) => ({ value, isInclusive });
  assert.equal(await keys({ lower: bound(1, true) }), "bcdef");
  assert.equal(await keys({ lower: bound(1, false) }), "cdef");
  assert.equal(await keys({ upper: bound("x", true) }), "abcd");
  assert.equal(await keys({ upper: bound("x", false) }), "abc");
  assert.equal(await keys({ lower: bound(1, true), upper: bound("x", true) }), "bcd");
  assert.equal(await keys({ lower: bound(1, false), upper: bound("x", false) }), "c");
  assert.equal(await keys({ lower: { isInclusive: false } }), "bcdef");
});

test("pages go on behind rows that are gone", async () => {
  const { service, values } = setUp();
  await values(["a"], ["b"], ["c"], ["d"], ["e"]);
  const page = (cursor: string | null) =>
    service.query(api.probe.page, { run: RUN, paginationOpts: { numItems: 2, cursor } });
  const first = await page(null);
  assert.deepEqual([first.page, first.isDone], [["a", "b"], false]);
  assert.equal(await service.mutation(api.probe.remove, { run: RUN, keys: ["b", "c", "z"] }), 2);
  const second = await page(first.continueCursor);
  assert.deepEqual(second.page, ["d", "e"]);
});

test("a mutation that fails leaves no row, no count and no job", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { t, service, names } = setUp();
  assert.equal(await codeOf(service.mutation(api.probe.putThenFail, { run: RUN, key: "a" })), "PROBE");
  assert.ok((await codeOf(service.mutation(api.probe.crash, { run: RUN, text: "oh" }))) instanceof Error);
  await t.finishAllScheduledFunctions(() => mock.timers.runAll());
  assert.equal(await service.query(api.probe.read, { run: RUN, key: "a" }), null);
  assert.equal(await service.query(api.probe.read, { run: RUN, key: "crash" }), null);
  assert.equal(await service.query(api.probe.counted, { run: RUN }), 0);
  assert.deepEqual(await names(), []);
});

test("a nested mutation that fails leaves nothing, what stands around it stays", async () => {
  const { service, keys } = setUp();
  assert.equal(await service.mutation(api.probe.putAroundFailure, { run: RUN }), "PROBE");
  assert.equal(await keys(), "beforenestedafter");
  assert.equal(await service.query(api.probe.counted, { run: RUN }), 0);
});

test("counts add up, from mutations and from actions", async () => {
  const { service } = setUp();
  await Promise.all(Array.from({ length: 20 }, () => service.mutation(api.probe.increment, { run: RUN, by: 1 })));
  assert.equal(await service.action(api.probe.incrementInAction, { run: RUN, by: 2 }), 22);
  assert.equal(await service.query(api.probe.counted, { run: RUN }), 22);
  assert.equal(await service.query(api.probe.counted, { run: OTHER }), 0);
});

test("data of a refusal arrives whole, and an internal function answers functions", async () => {
  const { service } = setUp();
  const data = { code: "X", list: [1n, null] };
  await assert.rejects(
    service.query(api.probe.refuse, { data }),
    (error: unknown) => error instanceof ConvexError && assert.deepEqual(error.data, data) === undefined,
  );
  assert.equal(await service.query(api.probe.unveil, {}), "seen from inside");
  assert.equal(await service.query(internal.probe.hidden, {}), "seen from inside");
});

test("a file has an address, a size and a digest until it is removed", async () => {
  const { t, service } = setUp();
  assert.match(await service.mutation(api.probe.uploadUrl, {}), /^https?:.*token=/);
  const id = await t.run<Id<"_storage">>((ctx) => ctx.storage.store(new Blob(["hello"])));
  const file = await service.query(api.probe.file, { id });
  assert.equal(file?.size, 5);
  assert.match(file?.url ?? "", /^https?:/);
  await service.mutation(api.probe.removeFile, { id });
  assert.equal(await service.query(api.probe.file, { id }), null);
});

test("a job leaves one event when it ran, none when it was cancelled", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { t, service, names } = setUp();
  const ran = await service.mutation(api.probe.schedule, { run: RUN, name: "ran", afterMs: 10 });
  const cancelled = await service.mutation(api.probe.schedule, { run: RUN, name: "cancelled", afterMs: 1_000 });
  assert.equal(await service.query(api.probe.jobState, { id: ran }), "pending");
  await service.mutation(api.probe.cancel, { id: cancelled });
  mock.timers.tick(100);
  await t.finishInProgressScheduledFunctions();
  assert.equal(await service.query(api.probe.jobState, { id: ran }), "success");
  assert.equal(await service.query(api.probe.jobState, { id: cancelled }), "canceled");
  assert.deepEqual(await names(), ["ran"]);
});

test("events come in the order of their commits, those of one commit together", async () => {
  const { service } = setUp();
  const events = (after: bigint) => service.query(api.probe.events, { run: RUN, after, limit: 100 });
  await service.mutation(api.probe.note, { run: RUN, names: ["a", "b"] });
  await service.mutation(api.probe.note, { run: OTHER, names: ["x"] });
  await service.mutation(api.probe.note, { run: RUN, names: ["c"] });
  const all = await events(-1n);
  assert.deepEqual(
    all.events.map(({ name }: { name: string }) => name),
    ["a", "b", "c"],
  );
  const [a, b, c] = all.events.map(({ at }: { at: bigint }) => at);
  assert.ok(a !== undefined && b !== undefined && c !== undefined && a === b && b < c && c <= all.through);
  assert.deepEqual((await events(b)).events, [{ name: "c", at: c }]);
  assert.deepEqual((await events(all.through)).events, []);
});

test("the end of a suite removes its rows, in batches, and no one else's", async () => {
  const { t, service, values } = setUp();
  await values(...Array.from({ length: 300 }, (_, i): [string, number] => [`k${i}`, i]));
  await service.mutation(api.probe.put, { run: OTHER, rows: [{ key: "kept" }] });
  await service.mutation(api.probe.increment, { run: RUN, by: 1 });
  await service.mutation(api.probe.note, { run: RUN, names: ["a"] });
  assert.deepEqual(await service.mutation(api.probe.cleanUp, { run: RUN }), { isDone: false });
  assert.deepEqual(await service.mutation(api.probe.cleanUp, { run: RUN }), { isDone: true });
  const left = await t.run(async (ctx) => [
    ...(await ctx.db.query("probeValues").collect()),
    ...(await ctx.db.query("probeCounters").collect()),
    ...(await ctx.db.query("probeEvents").collect()),
  ]);
  assert.deepEqual(
    left.map((row) => row.run),
    [OTHER],
  );
});
