// What is lost when a proxy ends under load (shadow A1, A2, §17 row 4): by `kill -9` at most the last second, by SIGTERM nothing.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import { booksOf, settledBooks, type ShadowProxy } from "../shadow-integrity/support/world.ts";
import { eventually } from "../support/index.ts";
import { startLoad } from "./support/load.ts";
import { type CrashWorld, startCrashWorld } from "./support/world.ts";

const CALLS_PER_SECOND = 150;
/** shadow A2. */
const LOST_MS_MAX = 1_000;
/** How long behind a checkpoint the process is killed: the nearer the next one, the more there is to lose. */
const PHASES_MS = [20, 250, 500, 750, 880, 893, 896, 898, 900, 902, 905];
const CHECKPOINTS = 3;

interface Look {
  readonly atMs: number;
  /** Judged by then, at least. */
  readonly judged: number;
}

/** What the metrics say of verdicts, again and again, until they say nothing more. */
function watchVerdicts(proxy: ShadowProxy) {
  const looks: Look[] = [];
  const watching = (async () => {
    for (;;) {
      const books = await proxy.metrics().then(booksOf, () => null);
      if (books === null) return;
      looks.push({ atMs: Date.now(), judged: books.compared });
      await pause(10);
    }
  })();
  return { looks, ended: watching };
}

async function nextCheckpoint(world: CrashWorld): Promise<number> {
  const before = world.savedMs();
  return eventually(
    () => {
      const now = world.savedMs();
      assert.ok(now > before, "no checkpoint");
      return now;
    },
    5_000,
    2,
  );
}

async function compares(proxy: ShadowProxy, count: number): Promise<void> {
  await eventually(async () => assert.ok(booksOf(await proxy.metrics()).compared >= count), 15_000);
}

test("kill -9 under load loses at most the last second, and the report marks it as a gap", async (t) => {
  const world = await startCrashWorld(t, { sample: "60%" });
  const copies = (): number => world.target.seen.filter(({ url }) => url.startsWith("/notes/")).length;
  const kills: { readonly savedMs: number; readonly killedMs: number }[] = [];
  let [storedBefore, seenBefore] = [0, 0];
  for (const [nr, phaseMs] of PHASES_MS.entries()) {
    const proxy = await world.start();
    const load = startLoad({ baseUrl: proxy.baseUrl, callsPerSecond: CALLS_PER_SECOND });
    await compares(proxy, CALLS_PER_SECOND);
    const verdicts = watchVerdicts(proxy);
    for (let at = 0; at < CHECKPOINTS; at++) await nextCheckpoint(world);
    await pause(phaseMs);
    const killedMs = Date.now();
    proxy.signal("SIGKILL");
    await proxy.exited();
    await Promise.all([load.stop(), verdicts.ended]);
    const seen = copies();
    const [savedMs, last] = [world.savedMs(), verdicts.looks.at(-1)?.judged ?? 0];

    const { compared } = await world.report();
    const stored = compared - storedBefore;
    const due = verdicts.looks.findLast(({ atMs }) => atMs <= killedMs - LOST_MS_MAX)?.judged ?? 0;
    t.diagnostic(
      `kill ${nr + 1}: ${killedMs - savedMs} ms behind the checkpoint; the target saw ${seen - seenBefore} copies, ` +
        `${last} verdicts were told, ${stored} are stored: ${last - stored} lost, ${due - stored} of them older than 1 s`,
    );
    assert.ok(killedMs - savedMs <= LOST_MS_MAX, `the last checkpoint was ${killedMs - savedMs} ms before the kill`);
    assert.ok(due > 0 && stored >= due, `${stored} are stored, ${due} were judged a second before the kill`);
    assert.ok(stored <= seen - seenBefore, `${stored} are stored, ${seen - seenBefore} copies were made`);
    kills.push({ savedMs, killedMs });
    [storedBefore, seenBefore] = [compared, seen];
  }

  const proxy = await world.start();
  const load = startLoad({ baseUrl: proxy.baseUrl, callsPerSecond: CALLS_PER_SECOND });
  await compares(proxy, CALLS_PER_SECOND);
  const { reads, writes } = await load.stop();
  const answered = [...reads.values()].reduce((sum, one) => sum + one, 0);
  const books = await settledBooks(proxy);
  // What the client counted itself is a witness of its own: of the calls that were offered none is told of otherwise.
  assert.deepEqual([books.gap, books.offered, books.unsafe], [0, answered + writes, writes]);
  assert.ok(books.sampled > 0 && books.sampled < answered, `${books.sampled} of ${answered} are sampled`);
  assert.equal(books.sampled, books.compared + books.notCompared);

  assert.deepEqual(await proxy.stop(), { code: 0, signal: null });
  const report = await world.report();
  assert.equal(report.compared, storedBefore + books.compared, "an end in order loses nothing");
  // One for each kill, from its last checkpoint on, and none for the end in order.
  assert.deepEqual(
    report.gaps.map(({ fromMs }) => fromMs),
    kills.map(({ savedMs }) => savedMs),
  );
  assert.ok(report.gaps.every(({ toMs }, at) => toMs > (kills[at]?.killedMs ?? 0)));
  assert.ok(report.cannotSay.includes("gap"));
});

/** Of the target, each longer than the threads have to stop. */
const NEVER_MS = 60_000;
/** Longer than any answer before it, and well within the drain of the copies. */
const LATE_MS = 1_000;
const THREADS_MS_MAX = 5_000;
const LOAD_MS = 3_000;

const kindOf = (nr: number): string => (nr % 13 === 1 ? "/notes/never" : nr % 13 === 2 ? "/notes/late" : "/notes/1");

test("SIGTERM under load: copies under way end within 5 s, the rest is counted `stopping`, and nothing is missing", async (t) => {
  const bodyAfterMs = (url: string): number => ({ "/notes/never": NEVER_MS, "/notes/late": LATE_MS })[url] ?? 0;
  const world = await startCrashWorld(t, { sample: "100%", bodyAfterMs });
  const proxy = await world.start();
  const first = startLoad({ baseUrl: proxy.baseUrl, callsPerSecond: CALLS_PER_SECOND });
  await compares(proxy, 1);
  await first.stop();
  await settledBooks(proxy);
  await nextCheckpoint(world);
  await nextCheckpoint(world);
  const before = await world.report();

  const load = startLoad({ baseUrl: proxy.baseUrl, callsPerSecond: CALLS_PER_SECOND / 3, pathOf: kindOf });
  await pause(LOAD_MS);
  const books = booksOf(await proxy.metrics());
  const stoppedMs = performance.now();
  proxy.signal("SIGTERM");
  const exit = await proxy.exited();
  const tookMs = performance.now() - stoppedMs;
  const { reads } = await load.stop();
  const after = await world.report();

  const answered = [...reads.values()].reduce((sum, one) => sum + one, 0);
  const never = reads.get("/notes/never") ?? 0;
  const stopping = after.missing["stopping"] ?? 0;
  const [sampled, compared] = [after.sampled - before.sampled, after.compared - before.compared];
  t.diagnostic(
    `ended after ${Math.round(tookMs)} ms with ${books.open} copies open; ${answered} reads were answered, ${never} of them ` +
      `never by the target: ${compared} compared, ${stopping} stopping; ${JSON.stringify(after.missing)}`,
  );
  assert.deepEqual(exit, { code: 0, signal: null });
  assert.ok(tookMs <= THREADS_MS_MAX, `${tookMs} ms`);
  assert.ok(never > 0 && books.open >= never, `${books.open} open, ${never} never answered`);
  assert.equal(sampled, answered, "every answered read is in the evidence");
  assert.equal(compared + stopping, answered, JSON.stringify(after.missing));
  // What was on its way may end with the stop; what had all the time it needs may not.
  assert.ok(stopping >= never && stopping <= never + (reads.get("/notes/late") ?? 0), `${stopping} of ${never}`);
  assert.deepEqual(after.gaps, []);
});
