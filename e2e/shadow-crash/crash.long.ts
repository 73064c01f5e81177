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
const PHASES_MS = [20, 250, 500, 750, 900, 960, 990, 1_010];
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
  assert.equal(report.gaps.length, PHASES_MS.length, "a gap for each kill, and none for the end in order");
  assert.ok(report.cannotSay.includes("gap"));
});
