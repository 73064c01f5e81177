import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createGroupPrint, openSqliteEvidence } from "../shadow/index.ts";
import { SampleRemover } from "./sampleRemover.ts";

const KEY = new Uint8Array(32).fill(9);
const HERE = { samples: 0, campaigns: [], file: null, failure: null };

type Removed = Awaited<ReturnType<ConstructorParameters<typeof SampleRemover>[0]["plane"]["removeSamples"]>>;

/** Each round's answers of the processes; the last ones again and again. Time passes with each question, and pauses take none. */
function open(t: TestContext, rounds: readonly Removed[], roundMs = 0) {
  const stateDir = mkdtempSync(join(tmpdir(), "switchyard-remover-"));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const asked: string[] = [];
  let nowMs = 0;
  const remover = new SampleRemover({
    stateDir,
    storeUrl: null,
    printKey: KEY,
    clock: {
      now: () => nowMs,
      monotonic: () => nowMs,
      after: (ms, run) => {
        if (ms === 300) setImmediate(run);
        return () => {};
      },
    },
    plane: {
      removeSamples: async (subject) => {
        asked.push(subject);
        nowMs += roundMs;
        return rounds[asked.length - 1] ?? rounds.at(-1) ?? [];
      },
    },
  });
  const leave = async (name: string): Promise<void> => {
    const store = openSqliteEvidence(join(stateDir, name));
    const campaign = { id: "c1", unit: "u", controlBuild: "1", candidateBuild: "2", rulesHash: "r", startedMs: 1 };
    const sample = { family: "f", place: 0, group: createGroupPrint(KEY, "c1")("ann"), atMs: 2, body: {} };
    const rest = { process: "p", atMs: 2, minutes: [], families: [], groups: null };
    await store.save({ campaign, samples: [sample], ...rest });
    await store.close();
  };
  return { remover, asked, stateDir, leave };
}

test("processes first, each its own file, then all others; a campaign that several had counts once", async (t) => {
  const own = { samples: 2, campaigns: ["c1", "c2"], file: "shadow-1.sqlite3", failure: null };
  const { remover, asked, leave } = open(t, [[own, HERE]]);
  for (const at of [0, 1, 7]) await leave(`shadow-${at}.sqlite3`);
  assert.deepEqual(await remover.remove("ann"), { samples: 4, campaigns: 2, left: [] });
  assert.deepEqual(asked, ["ann"]);
});

test("a process that was busy is asked again, and what all rounds have removed adds up", async (t) => {
  const busy = { samples: 1, campaigns: ["c1"], file: "shadow-0.sqlite3", failure: "busy" };
  const done = { samples: 2, campaigns: ["c1"], file: "shadow-0.sqlite3", failure: null };
  const { remover, asked } = open(t, [[busy], [done]]);
  assert.deepEqual(await remover.remove("ann"), { samples: 3, campaigns: 1, left: [] });
  assert.equal(asked.length, 2);
});

test("one that stays silent is told of within eight seconds; a damaged file is not asked for again", async (t) => {
  const silent = open(t, [[{ ...HERE, failure: "silent" }]], 5_000);
  const left = [{ where: "process", why: "silent", isForGood: false }];
  assert.deepEqual(await silent.remover.remove("ann"), { samples: 0, campaigns: 0, left });
  assert.equal(silent.asked.length, 2);
  const damaged = open(t, [[HERE]]);
  writeFileSync(join(damaged.stateDir, "shadow-3.sqlite3"), "this is no database");
  const broken = [{ where: "shadow-3.sqlite3", why: "broken", isForGood: true }];
  assert.deepEqual(await damaged.remover.remove("ann"), { samples: 0, campaigns: 0, left: broken });
  assert.equal(damaged.asked.length, 1);
});

test("more than two at once are refused, and asked for nothing", async (t) => {
  const { remover, asked } = open(t, [[HERE]]);
  const all = await Promise.all(["ann", "bob", "eve"].map((one) => remover.remove(one)));
  assert.deepEqual(
    all.map(({ left }) => left.map(({ why }) => why).join()),
    ["", "", "busy"],
  );
  assert.deepEqual(asked, ["ann", "bob"]);
});
