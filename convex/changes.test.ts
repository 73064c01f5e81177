import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { api, internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { FEED_MS, RETAIN_BATCH } from "./model/changes.ts";
import { KINDS } from "./model/kinds.ts";
import {
  apply,
  assertBooksBalance,
  type Bench,
  books,
  folder,
  given,
  messageChange,
  pageOf,
  sessionChange,
  versionOf,
} from "./test.feed.ts";
import { createTest, NOW } from "./test.setup.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const sources = (pattern: string): [string, string][] =>
  globSync(pattern, { cwd: here })
    .filter((path) => !path.includes(".test.") && !path.startsWith("test.") && !path.includes("probe"))
    .map((path) => [path, readFileSync(here + path, "utf8")]);

test("no table of the feed is written but through rows.ts, and where the other arm's rows are stored", () => {
  const tables = KINDS.map(({ table }) => table).join("|");
  const raw = new RegExp(`ctx\\.db\\s*\\.(insert|patch|replace|delete)\\(\\s*"(${tables})"`);
  const unnamed = /ctx\.db\s*\.(delete|patch|replace)\(\s*(?!")/;
  // Counters and memories beside the rows, which no column shows, and the rows of the other arm.
  const allowed = ["model/rows.ts", "model/applyChange.ts", "model/boardMerge.ts", "model/clear.ts"];
  const around = sources("**/*.ts").filter(([path, text]) => {
    if (allowed.includes(path) || path.startsWith("model/kinds/")) return false;
    return raw.test(text) || unnamed.test(text);
  });
  assert.deepEqual(
    around.map(([path]) => path),
    [],
  );
});

/** Every mutation once, in an order that leaves something for the next; by its name. */
function everyMutation(bench: Bench): Record<string, () => Promise<unknown>> {
  const { t, user, service } = bench;
  const ann = user("ann");
  const at = { now: NOW };
  const log = (row: number) => ({ id: `log${row}`, row, content: "hi", contentType: "user_input", eventType: "e" });
  const account = { publicId: "u1", email: "a@b.co", name: "Ann", password: "hash", role: "student", ...at };
  const token = (jti: string) => ({ jti, userId: "u1", expiresAt: NOW + 60_000 });
  let session = "" as Id<"sessions">;
  let board = "" as Id<"boards">;
  const opened = async () => {
    session = (await ann.query(api.turns.open, { id: "s1" }))?.session as Id<"sessions">;
    const found = await ann.mutation(api.boards.open, { session, ...at });
    assert.ok(found.status === "found");
    board = found.board;
  };
  const turn = { instance: "here", clientMessageId: "m1", ...at };
  const event = { id: "e1", concept: "c", outcome: "correct", deltaMastery: 0.1 };
  const bytes = new Uint8Array([1]).buffer;
  const incoming = { version: 9, origin: "legacy" as const, at: NOW, updatedAt: NOW };
  return {
    "accounts.ensure": () => ann.mutation(api.accounts.ensure, { email: "x@y.z", name: "x", role: "student", ...at }),
    "accounts.updateProfile": () => ann.mutation(api.accounts.updateProfile, { name: "Ann" }),
    "accounts.register": () => service.mutation(api.accounts.register, account),
    "accounts.loginFailed": () => service.mutation(api.accounts.loginFailed, { userId: "u1", ...at }),
    "accounts.loginSucceeded": () => service.mutation(api.accounts.loginSucceeded, { userId: "u1", ...at }),
    "accounts.revoke": () => service.mutation(api.accounts.revoke, token("j1")),
    "accounts.useRefreshToken": () => service.mutation(api.accounts.useRefreshToken, token("j2")),
    "folders.create": () => ann.mutation(api.folders.create, { id: "f1", spareId: "", name: "a", ...at }),
    "sessions.create": () => ann.mutation(api.sessions.create, { id: "s1", spareId: "", folderId: "f1", ...at }),
    "folders.rename": () => ann.mutation(api.folders.rename, { id: "f1", name: "b", now: NOW + 1 }),
    "logs.append": () => ann.mutation(api.logs.append, { id: "s1", entry: log(1), ...at }),
    "boards.open": opened,
    "turns.begin": () => ann.mutation(api.turns.begin, { session, ...turn, holds: true, log: log(2), userText: "hi" }),
    "turns.renew": () => ann.mutation(api.turns.renew, { session, instance: "here" }),
    "turns.finish": () =>
      ann.mutation(api.turns.finish, {
        session,
        ...turn,
        framesJson: '["{}"]',
        contextJson: '{"state":"a"}',
        conceptEvents: [event],
        reply: { turnNo: 2, text: "answer", payloadJson: "{}" },
        actionsJson: "[]",
        claimJobId: "job",
      }),
    "turns.release": () => ann.mutation(api.turns.release, { session, instance: "here" }),
    "boards.append": () => ann.mutation(api.boards.append, { board, update: bytes, ...at }),
    "boards.draft": () => ann.mutation(api.boards.draft, { board }),
    "boards.writePart": () => ann.mutation(api.boards.writePart, { board, generation: 1, part: 0, bytes }),
    "boards.commitSnapshot": () =>
      ann.mutation(api.boards.commitSnapshot, { board, generation: 1, parts: 1, through: 1 }),
    "boards.sweep": () => t.mutation(internal.boards.sweep, { board }),
    "changes.apply": () =>
      service.mutation(api.changes.apply, { instance: "here", ...at, groups: [{ changes: [given(folder())] }] }),
    "changes.merge": () =>
      service.mutation(api.changes.merge, { board, after: 1, update: bytes, incoming, isMixed: false, ...at }),
    "changes.retain": () => t.mutation(internal.changes.retain, {}),
    "changes.noteEarlierRows": () => t.mutation(internal.changes.noteEarlierRows, { cursor: null }),
    "folders.remove": () => ann.mutation(api.folders.remove, { id: "f1", ...at }),
    "folders.detach": () => t.mutation(internal.folders.detach, { folderId: "f1" }),
    "sessions.remove": () => ann.mutation(api.sessions.remove, { id: "s1", instance: "here", ...at }),
    "sessions.sweep": async () => t.mutation(internal.sessions.sweep, { session, publicId: "s1", userId: "ann" }),
    "retention.sweep": () => t.mutation(internal.retention.sweep, {}),
    "changes.clearUser": () => service.mutation(api.changes.clearUser, { userId: "u1" }),
  };
}

test("after every mutation there is, the feed tells of exactly the rows that are stored", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const bench = createTest();
  const all = everyMutation(bench);
  const declared = sources("*.ts").flatMap(([path, text]) =>
    [...text.matchAll(/export const (\w+) = (?:user|service|internal)Mutation\(/g)].map(
      ([, name]) => `${path.slice(0, -3)}.${name}`,
    ),
  );
  assert.deepEqual(Object.keys(all).toSorted(), declared.toSorted());
  for (const [name, run] of Object.entries(all)) {
    await run();
    if (name === "sessions.remove") await bench.t.finishAllScheduledFunctions(() => context.mock.timers.runAll());
    await assertBooksBalance(bench).catch((error: unknown) => assert.fail(`${name}: ${String(error)}`));
  }
  assert.deepEqual(await versionOf(bench, "session_messages", "s1/1"), ["delete", 2, "candidate"]);
  assert.deepEqual(await versionOf(bench, "concept_events", "e1"), ["upsert", 1, "candidate"]);
});

test("a write counts only when a column shows it: a counter and a patch that changes nothing are none", async () => {
  const bench = createTest();
  const ann = bench.user("ann");
  await ann.mutation(api.folders.create, { id: "f1", spareId: "", name: "a", now: NOW });
  await ann.mutation(api.sessions.create, { id: "s1", spareId: "", folderId: "f1", now: NOW });
  assert.deepEqual(await versionOf(bench, "folders", "f1"), ["upsert", 1, "candidate"]);
  await ann.mutation(api.folders.rename, { id: "f1", name: "a", now: NOW + 1 });
  assert.deepEqual(await versionOf(bench, "folders", "f1"), ["upsert", 1, "candidate"]);
  await ann.mutation(api.folders.rename, { id: "f1", name: "b", now: NOW + 1 });
  assert.deepEqual(await versionOf(bench, "folders", "f1"), ["upsert", 2, "candidate"]);
});

test("a lost write leaves no change either", async () => {
  const bench = createTest();
  const lost = { id: "f1", spareId: "", name: "a", now: NOW, dryRun: true };
  await assert.rejects(bench.user("ann").mutation(api.folders.create, lost), /DRY_RUN/);
  assert.deepEqual((await books(bench)).changes, []);
});

test("a row that is made again after its tombstone goes on counting its versions", async () => {
  const bench = createTest();
  const ann = bench.user("ann");
  const make = () => ann.mutation(api.folders.create, { id: "f1", spareId: "", name: "a", now: NOW });
  await make();
  await ann.mutation(api.folders.remove, { id: "f1", now: NOW });
  assert.deepEqual(await versionOf(bench, "folders", "f1"), ["delete", 2, "candidate"]);
  await make();
  assert.deepEqual(await versionOf(bench, "folders", "f1"), ["upsert", 3, "candidate"]);
});

test("a page has the rows as they are, in the order of their commits, and all of one transaction", async (context) => {
  const clock = steppingClock(context);
  const bench = createTest();
  const ann = bench.user("ann");
  for (const id of ["f1", "f2"]) {
    clock.step();
    await ann.mutation(api.folders.create, { id, spareId: "", name: id, now: NOW });
  }
  clock.step();
  await apply(bench, [sessionChange(), messageChange(1), messageChange(2)]);
  clock.step();
  await ann.mutation(api.folders.rename, { id: "f1", name: "last", now: NOW });
  const first = await pageOf(bench, { limit: 2 });
  assert.deepEqual(first.changes.map(({ key }) => key).toSorted(), ["f2", "s1", "s1/1", "s1/2"]);
  assert.equal(first.more, true);
  const rest = await pageOf(bench, { after: first.cursor });
  assert.deepEqual(
    rest.changes.map(({ key, row }) => [key, JSON.parse(row?.data ?? "{}").name]),
    [["f1", "last"]],
  );
  assert.equal(rest.more, false);
  const onlyBob = await pageOf(bench, { userId: "bob" });
  assert.deepEqual([onlyBob.changes, onlyBob.cursor], [[], rest.cursor]);
  assert.equal((await pageOf(bench, { after: rest.cursor + 5 })).cursor, rest.cursor + 5);
});

/** Commits a millisecond apart. */
function steppingClock(context: TestContext) {
  let now = NOW;
  context.mock.method(Date, "now", () => now);
  return {
    step(ms = 1) {
      now += ms;
    },
  };
}

test("after seven days tombstones go and the horizon follows, while live rows keep their version", async (context) => {
  const clock = steppingClock(context);
  const bench = createTest();
  const ann = bench.user("ann");
  for (let i = 0; i <= RETAIN_BATCH; i += 1) {
    await ann.mutation(api.folders.create, { id: `f${i}`, spareId: "", name: "a", now: NOW });
    if (i > 0) await ann.mutation(api.folders.remove, { id: `f${i}`, now: NOW });
  }
  clock.step(FEED_MS);
  await bench.t.mutation(internal.changes.retain, {});
  assert.equal((await pageOf(bench)).horizon, 0);
  const newest = Math.max(...(await pageOf(bench)).changes.map(({ seq }) => seq));
  clock.step(2);
  assert.equal(await bench.t.mutation(internal.changes.retain, {}), RETAIN_BATCH);
  const page = await pageOf(bench);
  assert.equal(page.horizon, newest);
  assert.deepEqual(
    page.changes.map(({ key, version }) => [key, version]),
    [["f0", 1]],
  );
});

test("rows of a version without a feed get their place in it, once", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const bench = createTest();
  const ann = bench.user("ann");
  for (let i = 0; i < 120; i += 1) {
    await ann.mutation(api.folders.create, { id: `f${i}`, spareId: "", name: "a", now: NOW });
  }
  await apply(bench, [sessionChange(), messageChange(1)]);
  await bench.t.run(async (ctx) => {
    for (const change of await ctx.db.query("changes").collect()) await ctx.db.delete("changes", change._id);
  });
  await bench.t.mutation(internal.changes.retain, {});
  await bench.t.finishAllScheduledFunctions(() => context.mock.timers.runAll());
  await assertBooksBalance(bench);
  const before = (await pageOf(bench)).cursor;
  await bench.t.mutation(internal.changes.retain, {});
  await bench.t.finishAllScheduledFunctions(() => context.mock.timers.runAll());
  assert.deepEqual((await pageOf(bench, { after: before })).changes, []);
});

test("the feed answers the service alone", async () => {
  const { user } = createTest();
  await assert.rejects(user("ann").query(api.changes.page, { after: 0, limit: 1 }), /FORBIDDEN/);
});
