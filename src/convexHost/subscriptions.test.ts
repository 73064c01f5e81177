import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StaleQuery } from "./queryFacts.ts";
import { createSubscriptions } from "./subscriptions.ts";
import type { AddedQuery } from "./syncWire.ts";
import { settle } from "./testing/manualTime.ts";
import { MemoryRunner } from "./testing/memoryRunner.ts";
import { type Caller, NOBODY, TransportError } from "./words.ts";

const ALICE: Caller = { identity: { tokenIdentifier: "alice" }, isAdmin: false, expiresAtMs: null };
const BOB: Caller = { identity: { tokenIdentifier: "bob" }, isAdmin: false, expiresAtMs: null };
const ADMIN: Caller = { identity: null, isAdmin: true, expiresAtMs: null };

function query(path: string, name = "a", journal: string | null = null): AddedQuery {
  const args = { name };
  return { queryId: 0, path, component: "", args, argsJson: JSON.stringify(args), journal };
}

function start() {
  const runner = new MemoryRunner();
  const subscriptions = createSubscriptions(runner);
  const run = async (caller: Caller, ...queries: readonly AddedQuery[]) => {
    const { results } = await subscriptions.run(queries, caller, false);
    return results;
  };
  const values = async (caller: Caller, ...queries: readonly AddedQuery[]) => {
    const results = await run(caller, ...queries);
    for (const { fact } of results) subscriptions.release(fact);
    return results.map(({ outcome }) =>
      "valueJson" in outcome.result ? JSON.parse(outcome.result.valueJson) : "failed",
    );
  };
  return { runner, subscriptions, run, values };
}

test("equal path and arguments share one run while it goes on, and its result for as long as somebody holds it", async () => {
  const { runner, run, values, subscriptions } = start();
  const [[first], [second]] = await Promise.all([run(ALICE, query("list:read")), run(BOB, query("list:read"))]);
  assert.equal(runner.runsOf("list:read"), 1);
  await run(NOBODY, query("list:read"));
  assert.equal(runner.runsOf("list:read"), 1);
  assert.equal(first?.fact, second?.fact);
  for (const left of [1, 1, 0]) {
    if (first !== undefined) subscriptions.release(first.fact);
    assert.equal(subscriptions.watched, left);
  }
  await values(NOBODY, query("list:read"));
  assert.equal(runner.runsOf("list:read"), 2);
});

test("other arguments, another page and another right are not the same query", async () => {
  const { runner, values } = start();
  await Promise.all([
    values(NOBODY, query("list:read", "a")),
    values(NOBODY, query("list:read", "b")),
    values(NOBODY, query("list:read", "a", "1")),
    values(ADMIN, query("list:read", "a")),
  ]);
  assert.equal(runner.runsOf("list:read"), 4);
});

test("what a function gave after it asked who calls is given to that caller alone", async () => {
  const { runner, values, subscriptions } = start();
  const names = await Promise.all([
    values(ALICE, query("who:am")),
    values(BOB, query("who:am"), query("list:read")),
    values(NOBODY, query("who:am")),
  ]);
  assert.deepEqual(names, [["alice"], ["bob", []], [null]]);
  assert.equal(runner.runsOf("who:am"), 3);
  // From now on it is known, and nobody waits for another's run: one group has both.
  let groups = 0;
  runner.beforeGroup = () => Promise.resolve(void (groups += 1));
  assert.deepEqual(await Promise.all([values(ALICE, query("who:am")), values(BOB, query("who:am"))]), [
    ["alice"],
    ["bob"],
  ]);
  assert.equal(runner.runsOf("who:am"), 5);
  assert.equal(groups, 1);
  // Two connections of one user are one caller.
  assert.deepEqual(
    await Promise.all([values(ALICE, query("who:am")), values({ ...ALICE, expiresAtMs: 5 }, query("who:am"))]),
    [["alice"], ["alice"]],
  );
  assert.equal(runner.runsOf("who:am"), 6);
  assert.equal(subscriptions.watched, 0);
});

/** A read and then a write in one group, whose answers wait until `open`: the commit is heard of first. */
async function overtake<T>(runner: MemoryRunner, read: () => Promise<T>) {
  const [begin, answers] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  runner.beforeGroup = () => begin.promise;
  runner.beforeAnswers = () => answers.promise;
  const reading = read();
  await settle();
  const writing = runner.append("a", "x");
  begin.resolve();
  await settle();
  return { reading, writing, open: () => answers.resolve() };
}

test("a run that began before a commit is not joined after it", async () => {
  const { runner, values } = start();
  const { reading, open } = await overtake(runner, () => values(NOBODY, query("list:read")));
  const late = values(NOBODY, query("list:read"));
  open();
  assert.deepEqual([await reading, await late], [[[]], [["x"]]]);
});

test("a commit tells the holders of what it touched, each once, and no others", async () => {
  const { runner, run, subscriptions } = start();
  const told: (readonly StaleQuery[])[] = [];
  const watcher = subscriptions.watch((queries) => told.push(queries));
  const results = await run(NOBODY, query("list:read", "a"), query("list:read", "b"));
  for (const [queryId, { fact }] of results.entries()) watcher.hold(queryId, fact);
  const other = subscriptions.watch(() => assert.fail("it was dropped"));
  for (const [queryId, { fact }] of (await run(NOBODY, query("list:read", "b"))).entries()) other.hold(queryId, fact);
  other.drop(0);
  await runner.append("c", "x");
  assert.deepEqual(told, []);
  await runner.append("b", "x");
  assert.deepEqual(told, [[{ queryId: 1, staleAt: 1_002n }]]);
  await runner.append("b", "y");
  assert.equal(told.length, 1);
  assert.equal(results[0]?.fact.staleAt, null);
  watcher.close();
  await runner.append("a", "x");
  assert.equal(told.length, 1);
  assert.equal(subscriptions.watched, 0);
});

test("a result that a commit overtook on its way says so when it comes", async () => {
  const { runner, run } = start();
  const both = () => run(NOBODY, query("list:read", "a"), query("list:read", "b"));
  const { reading, open } = await overtake(runner, both);
  open();
  assert.deepEqual(
    (await reading).map(({ fact }) => fact.staleAt),
    [1_001n, null],
  );
});

test("a run that waits to begin may be joined also after a commit, because it will see it", async () => {
  const { runner, values } = start();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  runner.beforeAnswers = () => gate;
  // As many as may run at once: the next has to wait.
  const many = Array.from({ length: 512 }, (_, at) => query("list:read", `other ${at}`));
  const first = values(NOBODY, ...many);
  await settle();
  const early = values(NOBODY, query("list:read"));
  const write = runner.append("a", "x");
  await settle();
  const late = values(BOB, query("list:read"));
  open();
  await Promise.all([first, write]);
  assert.deepEqual([await early, await late], [[["x"]], [["x"]]]);
  assert.equal(runner.runsOf("list:read"), 513);
});

test("queries run alone are of one moment, also when some are known already", async () => {
  const { runner, run, subscriptions } = start();
  await run(NOBODY, query("list:read", "a"));
  await runner.append("b", "x");
  const answer = await subscriptions.run([query("list:read", "a"), query("list:read", "b")], NOBODY, true);
  assert.equal(answer.ts, 1_001n);
  assert.equal(runner.runsOf("list:read"), 3);
  assert.deepEqual((await subscriptions.run([], NOBODY, true)).ts, 1_001n);
});

test("a query that is refused fails alone, and all of them refused is no error either", async () => {
  const { values, subscriptions } = start();
  assert.deepEqual(await values(NOBODY, query("list:read"), query("no:query"), query("no:other")), [
    [],
    "failed",
    "failed",
  ]);
  assert.deepEqual(await values(NOBODY, query("no:query", "1"), query("no:query", "2")), ["failed", "failed"]);
  assert.deepEqual(await values(NOBODY, query("no:query", "3")), ["failed"]);
  assert.equal(subscriptions.watched, 0);
});

test("the host's own trouble reaches all who wait for a run, and leaves nothing watched", async () => {
  const { runner, run, values, subscriptions } = start();
  const [held] = await run(NOBODY, query("list:read", "b"));
  runner.trouble = new TransportError(503, "TooManyConcurrentRequests", "too many");
  const waits = [values(ALICE, query("list:read"), query("list:read", "b")), values(BOB, query("list:read"))];
  for (const wait of await Promise.allSettled(waits)) assert.equal(wait.status, "rejected");
  if (held !== undefined) subscriptions.release(held.fact);
  assert.equal(subscriptions.watched, 0);
  runner.trouble = null;
  assert.deepEqual(await values(BOB, query("list:read")), [[]]);
});

test("after close no commit is heard of", async () => {
  const { runner, subscriptions } = start();
  subscriptions.close();
  await runner.append("a", "x");
  assert.equal(subscriptions.ts, 1_000n);
});

test("under any mix of runs, holds and commits a fact says it holds only while a run would give the same", async () => {
  const step = fc.record({
    what: fc.constantFrom("run", "run", "alone", "append", "drop", "settle"),
    who: fc.nat(2),
    name: fc.constantFrom("a", "b", "c"),
    path: fc.constantFrom("list:read", "who:list"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { runner, subscriptions } = start();
      const told = [new Set<number>(), new Set<number>(), new Set<number>()];
      const watchers = told.map((set) =>
        subscriptions.watch((list) => list.forEach(({ queryId }) => set.add(queryId))),
      );
      const held = told.map(() => new Map<number, { staleAt: bigint | null; name: string; length: number }>());
      const waits: Promise<unknown>[] = [];
      for (const [queryId, { what, who, name, path }] of steps.entries()) {
        if (what === "append") waits.push(runner.append(name, "x"));
        else if (what === "settle") await settle(3);
        else if (what === "drop") {
          for (const id of held[who]?.keys() ?? []) watchers[who]?.drop(id);
          held[who]?.clear();
        } else {
          const asked = query(path, name);
          const run = subscriptions.run([asked], [ALICE, BOB, NOBODY][who] ?? NOBODY, what === "alone");
          const hold = run.then(({ results: [result] }) => {
            assert.ok(result !== undefined && "valueJson" in result.outcome.result);
            const value: string[] = JSON.parse(result.outcome.result.valueJson);
            if (path === "who:list") assert.equal(value.shift(), ["alice", "bob", null][who]);
            held[who]?.set(queryId, { staleAt: result.fact.staleAt, name, length: value.length });
            watchers[who]?.hold(queryId, result.fact);
          });
          waits.push(hold);
        }
      }
      await Promise.all(waits);
      for (const [who, facts] of held.entries()) {
        for (const [queryId, { staleAt, name, length }] of facts) {
          const isKnownStale = staleAt !== null || told[who]?.has(queryId) === true;
          const isStale = (runner.lists.get(name)?.length ?? 0) !== length;
          assert.ok(isKnownStale || !isStale, `query ${queryId} is stale and nobody knows`);
        }
      }
      for (const watcher of watchers) watcher.close();
      assert.equal(subscriptions.watched, 0);
    }),
    { numRuns: 150 },
  );
});
