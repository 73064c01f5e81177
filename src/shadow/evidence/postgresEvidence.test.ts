import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "pg";
import { EvidenceError } from "./evidenceError.ts";
import type { EvidenceStore, FamilyPart } from "./model.ts";
import { openPostgresEvidence, openPostgresReader } from "./postgresEvidence.ts";
import { openLine } from "./testing/brokenLine.ts";
import { CAMPAIGN, checkpoint, DAY_MS, EVER, FAMILY, minutesOf, sample, sampledOf } from "./testing/rows.ts";
import { DEAD_MS, storeContract } from "./testing/storeContract.ts";
import { startTestPostgres, type TestPostgres } from "./testing/testPostgres.ts";

let server: TestPostgres | string = "not started";
before(async () => {
  server = await startTestPostgres();
});
after(async () => {
  if (typeof server !== "string") await server.stop();
});

let databases = 0;
async function newDatabase(t: TestContext): Promise<{ url: string; port: number } | null> {
  if (typeof server === "string") {
    t.skip(server);
    return null;
  }
  databases += 1;
  return { url: await server.createDatabase(`evidence_${databases}`), port: server.port };
}

async function ask(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const pool = new Pool({ connectionString: url, max: 1 });
  try {
    return (await pool.query(sql)).rows as readonly Record<string, unknown>[];
  } finally {
    await pool.end();
  }
}

storeContract(
  "PostgreSQL",
  async (t) => {
    const database = await newDatabase(t);
    if (database === null) return null;
    const opened: { close(): Promise<void> }[] = [];
    t.after(async () => {
      // Those that a property has left open when it failed, too.
      for (const one of opened) await one.close().catch(() => {});
    });
    const kept = <T extends { close(): Promise<void> }>(one: T): T => {
      opened.push(one);
      return one;
    };
    return {
      open: (options = {}) => kept(openPostgresEvidence(database.url, { deadAfterMs: DEAD_MS, ...options })),
      reader: () => kept(openPostgresReader(database.url)),
      tamper: async (sql) => void (await ask(database.url, `SET search_path = switchyard_evidence; ${sql}`)),
    };
  },
  5,
);

const hasCode =
  (code: EvidenceError["code"]) =>
  (error: unknown): boolean =>
    error instanceof EvidenceError && error.code === code;

test("eight processes that write at once, while two of them sum and fold, add up to what each has counted", async (t) => {
  const database = await newDatabase(t);
  if (database === null) return;
  const stores = Array.from({ length: 8 }, () => openPostgresEvidence(database.url));
  const rounds = 25;
  const key = (at: number): string => `p${at}`;
  await Promise.all(
    stores.map(async (store, at) => {
      for (let round = 1; round <= rounds; round++) {
        const families = [0, 1, 2].map((n): FamilyPart => ({ ...FAMILY, name: `f${n}`, differing: round }));
        const minutes = [
          ...minutesOf(key(at), DAY_MS, round),
          ...minutesOf(key(at), DAY_MS + (round % 5) * 3_600_000 + 60_000, 1),
        ];
        const samples = [sample(round % 12, `g${at}`, 9 * DAY_MS)];
        await store.save(
          checkpoint({ process: key(at), atMs: 9 * DAY_MS + round * 1_000, families, minutes, samples }),
        );
        if (at < 2 && round % 5 === 0) await store.expire(9 * DAY_MS + round);
      }
    }),
  );
  const [one] = stores;
  assert.ok(one);
  for (const expired of [false, true]) {
    if (expired) await one.expire(10 * DAY_MS);
    assert.deepEqual(
      (await one.families("c1")).map(({ differing }) => differing),
      [8 * rounds, 8 * rounds, 8 * rounds],
    );
    assert.equal(await sampledOf(one, 0, EVER.toMs), 8 * (rounds + 5));
    assert.equal((await one.samples("c1", "f1")).length, 12);
  }
  const rows = await ask(database.url, "SELECT count(*) AS n FROM switchyard_evidence.campaigns");
  assert.equal(Number(rows[0]?.["n"]), 1);
  for (const store of stores) await store.close();
});

const timed = async (work: Promise<unknown>): Promise<number> => {
  const startMs = performance.now();
  await assert.rejects(work, hasCode("lost"));
  return performance.now() - startMs;
};

async function recovered(store: EvidenceStore): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await store.save(checkpoint({ atMs: 7_000 }));
      return;
    } catch (error) {
      if (tries > 100 || !hasCode("lost")(error)) throw error;
      await wait(100);
    }
  }
}

test("a store that is cut off or silent rejects in its time, then at once, and is there again when the server is", async (t) => {
  const database = await newDatabase(t);
  if (database === null) return;
  const line = await openLine(database.port);
  const url = new URL(database.url);
  url.port = String(line.port);
  const store = openPostgresEvidence(url.href, { timeMs: 1_000 });
  line.become("cut");
  assert.ok((await timed(store.save(checkpoint()))) < 1_000, "not there at the start");
  assert.ok((await timed(store.save(checkpoint()))) < 50, "and not asked again");
  line.become("whole");
  await recovered(store);
  line.become("cut");
  await timed(store.save(checkpoint()));
  assert.ok((await timed(store.families("c1"))) < 50);
  line.become("whole");
  await recovered(store);
  line.become("silent");
  assert.ok((await timed(store.save(checkpoint()))) < 2_000, "in the midst of a transaction");
  await wait(600);
  assert.ok((await timed(store.save(checkpoint()))) < 3_000, "a connection that nobody answers");
  line.become("whole");
  await recovered(store);
  assert.deepEqual(await store.campaigns(), [CAMPAIGN]);
  await store.close();
  await line.close();
});

test("a statement that waits for another is given up, and what it began is undone", async (t) => {
  const database = await newDatabase(t);
  if (database === null) return;
  const store = openPostgresEvidence(database.url);
  await store.save(checkpoint({ families: [FAMILY] }));
  const other = new Pool({ connectionString: database.url, max: 1 });
  const client = await other.connect();
  await client.query("BEGIN; LOCK TABLE switchyard_evidence.samples IN EXCLUSIVE MODE");
  const held = store.save(checkpoint({ families: [{ ...FAMILY, differing: 99 }], samples: [sample(0, "ann")] }));
  await assert.rejects(held, hasCode("busy"));
  await client.query("ROLLBACK");
  assert.equal((await store.families("c1"))[0]?.differing, FAMILY.differing);
  await store.save(checkpoint({ families: [{ ...FAMILY, differing: 99 }] }));
  assert.equal((await store.families("c1"))[0]?.differing, 99);
  client.release();
  await other.end();
  await store.close();
});

test("many processes may make the tables at once; another version is refused", async (t) => {
  const database = await newDatabase(t);
  if (database === null) return;
  const stores = Array.from({ length: 6 }, () => openPostgresEvidence(database.url));
  await Promise.all(stores.map((store, at) => store.save(checkpoint({ process: `p${at}` }))));
  for (const store of stores) await store.close();
  await ask(database.url, "UPDATE switchyard_evidence.numbers SET value = 99 WHERE name = 'version'");
  const late = openPostgresEvidence(database.url);
  await assert.rejects(late.save(checkpoint()), hasCode("format"));
  await late.close();
});
