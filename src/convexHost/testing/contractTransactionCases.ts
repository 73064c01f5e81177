// Contract suite of hosts: transactions, failures, the order of commits, jobs.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { actionOf, errorOf, mutationOf, type Probes, queryOf, refusalOf, Watched } from "./contractProbes.ts";

const ALL_EVENTS = { after: -1n, limit: 1_000 };
const WRITERS = 8;
const NOTES_EACH = 12;
/** Long enough to cancel a job before it is due, also far away and on a busy machine. */
const CANCELLED_MS = 1_500;

interface ProbeEvent {
  readonly name: string;
  readonly at: bigint;
}

const namesOf = (seen: { readonly events: readonly ProbeEvent[] }): string[] => seen.events.map(({ name }) => name);

async function keysOf(probes: Probes, run: string): Promise<string[]> {
  const rows: { readonly key: string }[] = await probes.query("inOrder", { run, order: "asc", limit: 100 });
  return rows.map(({ key }) => key);
}

/** The names of the events once all of `expected`, and a job due `afterMs` from now, have left theirs. */
async function eventsAround(
  probes: Probes,
  t: TestContext,
  run: string,
  { expected = [], afterMs = 0 }: { readonly expected?: readonly string[]; readonly afterMs?: number } = {},
): Promise<string[]> {
  const last = `last ${randomUUID()}`;
  const watched = new Watched(probes.connect(t), "events", { run, ...ALL_EVENTS });
  await probes.mutation("schedule", { run, name: last, afterMs });
  const isThere = (seen: string[]) => [...expected, last].every((name) => seen.includes(name));
  const seen = await watched.until((shown) => shown.last !== undefined && isThere(namesOf(shown.last)));
  return namesOf(seen)
    .filter((name) => !name.startsWith("last "))
    .sort();
}

export function testTransactions(probes: Probes): void {
  test("a mutation that fails leaves no row, no count and no job", async (t) => {
    const run = probes.newRun();
    const data = { code: "PROBE", key: "a" };
    assert.deepEqual(await refusalOf(probes.mutation("putThenFail", { run, key: "a" })), data);
    const socket = probes.connect(t);
    assert.deepEqual(await refusalOf(socket.mutation(mutationOf("putThenFail"), { run, key: "a" })), data);
    await errorOf(probes.mutation("crash", { run, text: "on purpose" }));
    assert.deepEqual(await keysOf(probes, run), []);
    assert.equal(await probes.query("counted", { run }), 0);
    assert.deepEqual(await eventsAround(probes, t, run), []);
  });

  test("a nested mutation that fails leaves nothing, what its caller wrote before and after it stays", async (t) => {
    const run = probes.newRun();
    assert.equal(await probes.mutation("putAroundFailure", { run }), "PROBE");
    assert.deepEqual(await keysOf(probes, run), ["before", "nested", "after"]);
    assert.equal(await probes.query("counted", { run }), 0);
    assert.deepEqual(await eventsAround(probes, t, run), []);
  });

  test("a hundred increments at once, over HTTP, from actions and over sockets, count a hundred", async (t) => {
    const run = probes.newRun();
    const args = { run, by: 1 };
    const sockets = [probes.connect(t), probes.connect(t)];
    const calls = Array.from({ length: 100 }, (_, at): Promise<number> => {
      if (at % 5 < 2) return probes.mutation("increment", args);
      if (at % 5 === 2) return probes.action("incrementInAction", args);
      const socket = sockets[at % 2] ?? assert.fail();
      return at % 10 === 3
        ? socket.action(actionOf("incrementInAction"), args)
        : socket.mutation(mutationOf("increment"), args);
    });
    const counts = (await Promise.all(calls)).sort((a, b) => a - b);
    assert.deepEqual(
      counts,
      Array.from({ length: 100 }, (_, at) => at + 1),
    );
    assert.equal(await probes.query("counted", { run }), 100);
  });

  test("the data of a refusal arrives whole, over HTTP, over a socket and at a subscription", async (t) => {
    const client = probes.connect(t);
    const all = { code: "X", list: [1n, -0, Number.NaN, null], bytes: Uint8Array.of(0, 255).buffer, deep: { a: "\0" } };
    for (const data of [all, "a text", 0n, null, []]) {
      assert.deepStrictEqual(await refusalOf(probes.query("refuse", { data })), data);
      assert.deepStrictEqual(await refusalOf(client.query(queryOf("refuse"), { data })), data);
    }
    const watched = new Watched(client, "refuse", { data: { again: true } });
    await watched.until(({ errors }) => errors.length > 0);
    assert.deepStrictEqual(await refusalOf(Promise.reject(watched.errors[0] ?? assert.fail())), { again: true });
  });

  test("an internal function is refused like one that does not exist, and answers other functions", async (t) => {
    const client = probes.connect(t);
    const withoutName = (error: Error) => error.message.replaceAll(/hidden|absent|\[Request ID: \w+\]/g, "…");
    const refusals = async (name: string) => [
      withoutName(await errorOf(probes.query(name))),
      withoutName(await errorOf(client.query(queryOf(name), {}))),
    ];
    assert.deepEqual(await refusals("hidden"), await refusals("absent"));
    await errorOf(probes.mutation("nestedPut", { run: probes.newRun(), key: "a" }));
    assert.equal(await probes.query("unveil"), "seen from inside");
  });

  test("who reads up to a snapshot's timestamp misses no commit, and has them in their order", async () => {
    const run = probes.newRun();
    let isWriting = true;
    const write = async (writer: number) => {
      for (let at = 0; at < NOTES_EACH; at++) {
        await probes.mutation("note", { run, names: [`${writer} ${at} first`, `${writer} ${at} second`] });
      }
    };
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer))).finally(() => {
      isWriting = false;
    });
    const followed: ProbeEvent[] = [];
    let after = -1n;
    let reads = 0;
    for (let isLast = false; !isLast; reads++) {
      isLast = !isWriting;
      const page = await probes.query("events", { ...ALL_EVENTS, run, after });
      for (const { at } of page.events) assert.ok(after < at && at <= page.through);
      followed.push(...page.events);
      after = page.through;
    }
    await writing;
    assert.ok(reads > 2, "nothing was read while others wrote");
    assert.deepEqual(followed, (await probes.query("events", { ...ALL_EVENTS, run })).events);
    assertCommitOrder(followed);
  });
}

/** Each commit has one timestamp for all its events, and a writer's commits follow each other. */
function assertCommitOrder(followed: readonly ProbeEvent[]): void {
  assert.equal(followed.length, WRITERS * NOTES_EACH * 2);
  const next = new Map<string, number>();
  for (let at = 0; at < followed.length; at += 2) {
    const [first, second, third] = followed.slice(at, at + 3);
    const [writer = "", count] = first?.name.split(" ") ?? [];
    assert.deepEqual(second, { name: `${writer} ${count} second`, at: first?.at });
    assert.ok(third === undefined || third.at > (first?.at ?? third.at));
    assert.equal(Number(count), next.get(writer) ?? 0);
    next.set(writer, Number(count) + 1);
  }
}

export function testJobs(probes: Probes): void {
  test("each scheduled job runs exactly once", async (t) => {
    const run = probes.newRun();
    const names = Array.from({ length: 30 }, (_, at) => `job ${String(at).padStart(2, "0")}`);
    const ids = await Promise.all(
      names.map((name, at) => probes.mutation("schedule", { run, name, afterMs: (at % 3) * 60 })),
    );
    assert.deepEqual(await eventsAround(probes, t, run, { expected: names, afterMs: 250 }), names);
    for (const id of ids) assert.equal(await probes.query("jobState", { id }), "success");
    // Another round of the same scheduler runs none of them again.
    assert.deepEqual(await eventsAround(probes, t, run, { afterMs: 50 }), names);
  });

  test("a job that was cancelled does not run when it is due", async (t) => {
    const run = probes.newRun();
    const schedule = (name: string): Promise<string> =>
      probes.mutation("schedule", { run, name, afterMs: CANCELLED_MS });
    const [kept, cancelled] = await Promise.all([schedule("kept"), schedule("cancelled")]);
    assert.equal(await probes.query("jobState", { id: cancelled }), "pending");
    await probes.mutation("cancel", { id: cancelled });
    assert.equal(await probes.query("jobState", { id: cancelled }), "canceled");
    const seen = await eventsAround(probes, t, run, { expected: ["kept"], afterMs: CANCELLED_MS + 50 });
    assert.deepEqual(seen, ["kept"]);
    assert.equal(await probes.query("jobState", { id: kept }), "success");
    assert.equal(await probes.query("jobState", { id: cancelled }), "canceled");
  });
}
