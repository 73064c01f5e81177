// Contract suite of hosts: what arrives at a subscription, and how fast; what a lost connection may not do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countThroughCuts } from "./contractCuts.ts";
import { mutationOf, type Probes, queryOf, Watched } from "./contractProbes.ts";

const SAMPLES = 50;

export function testSubscriptions(probes: Probes): void {
  test("a client's own write is in its subscription when the mutation resolves", async (t) => {
    const run = probes.newRun();
    const client = probes.connect(t);
    const watched = new Watched(client, "counted", { run });
    assert.equal(await watched.until(({ seen }) => seen.length > 0), 0);
    for (let count = 1; count <= 10; count++) {
      assert.equal(await client.mutation(mutationOf("increment"), { run, by: 1 }), count);
      assert.equal(watched.last, count);
    }
  });

  test("the writes of others arrive: over HTTP, over another socket, from an action and from a job", async (t) => {
    const run = probes.newRun();
    const [client, other] = [probes.connect(t), probes.connect(t)];
    const counted = new Watched(client, "counted", { run });
    const events = new Watched(client, "events", { run, after: -1n, limit: 10 });
    await events.until(({ seen }) => seen.length > 0);
    await probes.mutation("increment", { run, by: 1 });
    await counted.until(({ last }) => last === 1);
    await other.mutation(mutationOf("increment"), { run, by: 10 });
    await counted.until(({ last }) => last === 11);
    await probes.action("incrementInAction", { run, by: 100 });
    await counted.until(({ last }) => last === 111);
    await probes.mutation("schedule", { run, name: "from a job", afterMs: 0 });
    await events.until(({ last }) => last.events[0]?.name === "from a job");
  });

  test("writes that a subscription did not read do not arrive", async (t) => {
    const [run, other] = [probes.newRun(), probes.newRun()];
    const put = (into: string, key: string, value: number) => ({ run: into, rows: [{ key, value }] });
    await probes.mutation("put", put(run, "inside", 15));
    const client = probes.connect(t);
    const between = { lower: { value: 10, isInclusive: true }, upper: { value: 20, isInclusive: false } };
    const read = new Watched(client, "read", { run, key: "inside" });
    const range = new Watched(client, "inOrder", { run, order: "asc", limit: 100, ...between });
    await read.until(({ seen }) => seen.length > 0);
    await range.until(({ seen }) => seen.length > 0);
    const unrelated = [put(other, "inside", 15), put(run, "inner", 20), put(run, "insides", 9.5), put(run, "a", -0)];
    for (const args of unrelated) {
      await probes.mutation("put", args);
      // Resolves only when the client has been sent all that came before it.
      await client.mutation(mutationOf("put"), args);
      await client.mutation(mutationOf("increment"), { run, by: 1 });
      assert.deepEqual([read.seen.length, range.seen.length], [1, 1], JSON.stringify(args));
    }
    await client.mutation(mutationOf("put"), put(run, "z", 19.5));
    assert.deepEqual(range.last, [
      { key: "inside", value: 15 },
      { key: "z", value: 19.5 },
    ]);
    assert.deepEqual([read.seen.length, range.seen.length], [1, 2]);
    await client.mutation(mutationOf("patch"), { run, row: { key: "inside", value: 16 } });
    assert.deepEqual([read.seen.length, range.seen.length], [2, 3]);
  });

  test("a connection that is lost in the middle of mutations executes each of them once", async (t) => {
    const { cuts, lostAnswers } = await countThroughCuts(probes, t, { clients: 3, mutationsEach: 40, cutsMax: 30 });
    t.diagnostic(`${cuts} cuts, ${lostAnswers} of them lost an answer (seed ${probes.seed})`);
    assert.ok(cuts > 0);
  });

  test("queries, mutations and own writes are answered, and how fast is printed", async (t) => {
    const run = probes.newRun();
    const [http, client] = [probes.http(), probes.connect(t)];
    const watched = new Watched(client, "counted", { run });
    await watched.until(({ seen }) => seen.length > 0);
    const timed = async (name: string, call: () => Promise<number>, expected: (at: number) => number) => {
      const times: number[] = [];
      for (let at = 1; at <= SAMPLES; at++) {
        const since = performance.now();
        const count = await call();
        times.push(performance.now() - since);
        assert.equal(count, expected(at));
      }
      const [p50 = 0] = times.sort((a, b) => a - b).slice(SAMPLES / 2);
      return `${name} ${p50.toFixed(2)} ms`;
    };
    const args = { run, by: 1 };
    const lines = [
      await timed(
        "query",
        () => http.query(queryOf("counted"), { run }),
        () => 0,
      ),
      await timed(
        "mutation",
        () => http.mutation(mutationOf("increment"), args, { skipQueue: true }),
        (at) => at,
      ),
      await timed(
        "own write seen",
        () => client.mutation(mutationOf("increment"), args).then(() => watched.last),
        (at) => SAMPLES + at,
      ),
    ];
    t.diagnostic(`p50: ${lines.join(", ")}`);
  });
}
