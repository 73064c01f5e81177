// A subject's samples, removed on request (shadow P5): with real threads, a real store and real calls.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { createManualClock, systemClock } from "../../kernel/index.ts";
import { createMetrics } from "../../metrics/index.ts";
import { createGroupPrint } from "../evidence/fingerprint.ts";
import { openSqliteEvidence, openSqliteReader } from "../evidence/sqliteEvidence.ts";
import { CAMPAIGN, checkpoint, FAMILY, sample } from "../evidence/testing/rows.ts";
import { Removals } from "./removals.ts";
import { createShadowMirror } from "./shadowMirror.ts";
import { configOf, SHADOW } from "./testing/mirrorConfig.ts";
import { legOf, planOf } from "./testing/servingBench.ts";

const KEY = new Uint8Array(32).fill(5);
const SUBJECTS = ["ann", "bob"];

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** Whose samples are in the file, of all campaigns. */
async function storedIn(file: string): Promise<readonly string[]> {
  const reader = openSqliteReader(file);
  try {
    const found: string[] = [];
    for (const { id } of await reader.campaigns()) {
      const names = new Map(SUBJECTS.map((one) => [createGroupPrint(KEY, id)(one), one] as const));
      for (const { samples } of (await reader.allKept(id)).values()) {
        found.push(...samples.map(({ group }) => names.get(group) ?? "?"));
      }
    }
    return found.sort();
  } finally {
    await reader.close();
  }
}

async function eventually(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let look = 0; look < 400; look++) {
    if (await holds().catch(() => false)) return;
    await pause(20);
  }
  throw new Error(`it did not happen: ${what}`);
}

const textOf =
  (body: string): RequestListener =>
  (_, res) =>
    res.setHeader("content-type", "text/plain").end(body);

test("of a process that compares: what is stored and what is in memory goes, and nothing that was under way comes back", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-removal-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "shadow-0.sqlite3");
  // A build of before: its campaign runs no more, and is in the same file.
  const old = openSqliteEvidence(file);
  const samples = SUBJECTS.map((subject, place) =>
    sample(place, createGroupPrint(KEY, CAMPAIGN.id)(subject), Date.now()),
  );
  await old.save(checkpoint({ families: [FAMILY], samples }));
  await old.close();
  const held: (() => void)[] = [];
  let isHolding = false;
  const origins = {
    control: await serve(t, textOf("one")),
    candidate: await serve(t, (req, res) => {
      if (isHolding) held.push(() => textOf("other")(req, res));
      else textOf("other")(req, res);
    }),
  };
  const mirror = createShadowMirror({
    config: configOf(SHADOW, origins),
    clock: systemClock,
    metrics: createMetrics({ version: "test" }),
    log: { event: () => {} },
    application: { mirroring: [], build: null },
    entry: new URL("./testing/realThreads.ts", import.meta.url),
    file,
    printKey: KEY,
    installationKey: KEY,
    armOf: () => "control",
  });
  t.after(() => mirror.stop());
  let calls = 0;
  const call = (subject: string): boolean => {
    const leg = legOf(planOf({ id: "a" }), { subject, requestId: `r${++calls}`, headers: [], targetFor: () => "/a" });
    const tap = mirror.call(leg, false);
    tap?.requestEnd();
    tap?.head(200, [Buffer.from("content-type"), Buffer.from("text/plain")]);
    tap?.chunk(Buffer.from("one"));
    tap?.end(null);
    return tap !== null;
  };
  await eventually(async () => call("bob"), "the threads run");
  const isStored = async (what: readonly string[]): Promise<boolean> => (await storedIn(file)).join() === what.join();
  await eventually(async () => {
    const stored = await storedIn(file);
    const few = SUBJECTS.filter((subject) => stored.filter((one) => one === subject).length < 2);
    for (const subject of few) call(subject);
    return few.length === 0;
  }, "samples of both are stored");
  isHolding = true;
  call("ann");
  await eventually(async () => held.length > 0, "a copy is under way");
  const removed = await mirror.removeSamples("ann");
  assert.deepEqual([removed.failure, removed.file, removed.campaigns.length], [null, "shadow-0.sqlite3", 2]);
  assert.ok(removed.samples >= 2, `${removed.samples}`);
  const others = (await storedIn(file)).filter((one) => one !== "ann");
  assert.ok(await isStored(others));
  isHolding = false;
  for (const answer of held) answer();
  await pause(2_500); // two checkpoints, and what is asked again
  assert.deepEqual(await storedIn(file), others);
  assert.deepEqual(await mirror.removeSamples("nobody"), { ...removed, samples: 0, campaigns: [] });
  await mirror.stop();
  assert.deepEqual(await storedIn(file), others);
  assert.equal((await mirror.removeSamples("ann")).failure, "stopping");
});

test("a mirror that is off has nothing in memory and writes to no file; others may", async (t) => {
  const mirror = createShadowMirror({
    config: configOf(null),
    clock: systemClock,
    metrics: createMetrics({ version: "test" }),
    log: { event: () => {} },
    application: { mirroring: [], build: null },
    entry: new URL("./testing/realThreads.ts", import.meta.url),
    file: "/nowhere/shadow-0.sqlite3",
    printKey: KEY,
    installationKey: KEY,
    armOf: () => "control",
  });
  t.after(() => mirror.stop());
  assert.deepEqual(await mirror.removeSamples("ann"), { samples: 0, campaigns: [], file: null, failure: null });
});

test("a compare thread that says nothing, or dies, is told of in time", async () => {
  const clock = createManualClock();
  const asked: string[] = [];
  const removals = new Removals({ clock, ask: (id, subject) => asked.push(`${id} ${subject}`) });
  const [first, second, third] = ["ann", "bob", "eve"].map((one) => removals.remove(one));
  removals.answered(1, { samples: 3, campaigns: ["c"], failure: null });
  removals.answered(1, { samples: 9, campaigns: [], failure: null });
  clock.advance(3_999);
  removals.lost();
  clock.advance(1);
  const fourth = removals.remove("joe");
  clock.advance(4_000);
  const failures = await Promise.all([first, second, third, fourth]);
  assert.deepEqual(
    failures.map((one) => one?.failure),
    [null, "lost", "lost", "silent"],
  );
  assert.deepEqual([failures[0]?.samples, asked], [3, ["1 ann", "2 bob", "3 eve", "4 joe"]]);
});
