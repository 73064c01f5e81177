// Rows of the other arm.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import {
  apply,
  assertBooksBalance,
  type Bench,
  books,
  folder,
  given,
  logChange,
  messageChange,
  pageOf,
  sessionChange,
  versionOf,
} from "./test.feed.ts";
import { createTest, NOW } from "./test.setup.ts";

const nameOf = (bench: Bench, id: string) =>
  bench.t.run(
    async (ctx) => (await ctx.db.query("folders").collect()).find((row) => row.publicId === id)?.name ?? null,
  );

test("the later write applies and keeps its origin; ties are broken by the origin's text", async () => {
  const bench = createTest();
  assert.deepEqual(await apply(bench, [folder()]), [{ outcome: "applied" }]);
  assert.deepEqual(await versionOf(bench, "folders", "fx"), ["upsert", 1, "legacy"]);
  assert.deepEqual(await apply(bench, [folder()]), [{ outcome: "skipped" }]);
  await bench.user("ann").mutation(api.folders.rename, { id: "fx", name: "ours", now: NOW });
  assert.deepEqual(await versionOf(bench, "folders", "fx"), ["upsert", 2, "candidate"]);
  // Both wrote version 2: the text of `legacy` is the greater, and our write has lost.
  assert.deepEqual(await apply(bench, [folder({ version: 2 }, { name: "won" })]), [
    { outcome: "applied", isConflict: true },
  ]);
  assert.equal(await nameOf(bench, "fx"), "won");
  await bench.user("ann").mutation(api.folders.rename, { id: "fx", name: "newer", now: NOW });
  // Ours goes on from what has been here: it loses nothing by coming again.
  assert.deepEqual(await apply(bench, [folder({ version: 2 }, { name: "won" })]), [{ outcome: "skipped" }]);
  assert.deepEqual(await apply(bench, [folder({ version: 2 }, { name: "newer" })]), [{ outcome: "skipped" }]);
  assert.deepEqual(await apply(bench, [folder({ version: 4, op: "delete" }, null)]), [{ outcome: "applied" }]);
  assert.equal(await nameOf(bench, "fx"), null);
  assert.deepEqual(await apply(bench, [folder({ version: 3 })]), [{ outcome: "skipped" }]);
  await assertBooksBalance(bench);
});

test("of two writes that did not know of each other the one that loses is named, whatever the versions", async () => {
  const bench = createTest();
  const ann = bench.user("ann");
  const rename = (name: string) => ann.mutation(api.folders.rename, { id: "fx", name, now: NOW });
  const seenNow = async () => (await pageOf(bench)).changes.find(({ kind }) => kind === "folders")?.seen;
  await apply(bench, [folder({ seen: 0 })]);
  await rename("ours");
  await rename("ours again");
  assert.equal(await seenNow(), 1);
  const lost = folder({ version: 2, seen: 0 }, { name: "unknown here" });
  assert.deepEqual(await apply(bench, [lost]), [{ outcome: "skipped", isConflict: true }]);
  const later = folder({ version: 5, seen: 2 }, { name: "does not know of our 3" });
  assert.deepEqual(await apply(bench, [later]), [{ outcome: "applied", isConflict: true }]);
  await rename("ours");
  assert.equal(await seenNow(), 5);
  assert.deepEqual(await apply(bench, [folder({ version: 7, seen: 6 }, { name: "goes on" })]), [
    { outcome: "applied" },
  ]);
  assert.match((await apply(bench, [folder({ version: 8, seen: -1 })]))[0]?.reason ?? "", /seen/);
});

test("a board outlives a deletion when its session does, and the other arm gets it back", async () => {
  const bench = createTest();
  const ann = bench.user("ann");
  await apply(bench, [sessionChange()]);
  const gone = { ...sessionChange(), kind: "yjs_snapshots", op: "delete", version: 4, data: undefined };
  assert.deepEqual(await apply(bench, [gone]), [{ outcome: "applied" }]);
  assert.deepEqual(await versionOf(bench, "yjs_snapshots", "s1"), ["delete", 4, "legacy"]);
  const session = (await ann.query(api.turns.open, { id: "s1" }))?.session as Id<"sessions">;
  const found = await ann.mutation(api.boards.open, { session, now: NOW });
  assert.ok(found.status === "found");
  const { board } = found;
  await ann.mutation(api.boards.append, { board, update: new ArrayBuffer(2), now: NOW });
  assert.deepEqual(await versionOf(bench, "yjs_snapshots", "s1"), ["upsert", 5, "candidate"]);
  assert.deepEqual(await apply(bench, [gone, { ...gone, version: 6 }]), [
    { outcome: "skipped" },
    { outcome: "skipped" },
  ]);
  assert.deepEqual(await versionOf(bench, "yjs_snapshots", "s1"), ["upsert", 7, "candidate"]);
  assert.equal((await ann.query(api.boards.updates, { board, after: 0 }))?.updates.length, 1);
  assert.match((await apply(bench, [{ ...gone, version: 9, user_id: "bob" }]))[0]?.reason ?? "", /another user/);
  await assertBooksBalance(bench);
});

test("what is no change, or of another user, is refused with its reason and stops no other", async () => {
  const bench = createTest();
  const bad: [unknown, RegExp][] = [
    [7, /object/],
    [folder({ kind: "jobs" }), /unknown kind "jobs"/],
    [folder({ op: "move" }), /op/],
    [folder({ version: 0 }), /version/],
    [folder({ origin: "elsewhere" }), /origin/],
    [folder({ key: "fy" }), /key/],
    [folder({ user_id: "bob" }), /user_id/],
    [folder({}, { name: null }), /data\.name/],
    [folder({}, { created_at: "now" }), /data\.created_at/],
    [folder({ data: undefined }, {}), /data/],
  ];
  const results = await apply(bench, [...bad.map(([change]) => change), folder()]);
  for (const [i, [, reason]] of bad.entries()) assert.match(results[i]?.reason ?? "applied", reason);
  assert.deepEqual(results.at(-1), { outcome: "applied" });
  const theft = folder({ user_id: "bob", version: 5 }, { user_id: "bob" });
  assert.match((await apply(bench, [theft]))[0]?.reason ?? "", /another user/);
});

test("rows of a session wait for it, then bring its counters and its memory of ids up to date", async () => {
  const bench = createTest();
  const ann = bench.user("ann");
  const [early] = await apply(bench, [messageChange(1)]);
  assert.match(early?.reason ?? "", /^later: /);
  await apply(bench, [sessionChange(), folder(), messageChange(1)]);
  const groups = [{ session: "s1", changes: [given(logChange("l7"), 7)] }];
  await bench.service.mutation(api.changes.apply, { instance: "here", now: NOW, groups });
  const opened = await ann.query(api.turns.open, { id: "s1" });
  assert.deepEqual([opened?.latestTurnNo, opened?.logRows, opened?.interactionMode], [1, 7, "chat_only"]);
  assert.equal((await ann.query(api.folders.get, { id: "fx" }))?.folder.session_count, 1);
  const begin = { session: opened?.session as Id<"sessions">, now: Date.now(), instance: "here", holds: true };
  const log = { id: "l8", row: 8, content: "hi", contentType: "user_input", eventType: "e" };
  const again = await ann.mutation(api.turns.begin, { ...begin, clientMessageId: "m1", userText: "hi", log });
  assert.ok(again.status === "ready");
  assert.deepEqual([again.inputTurnNo, again.isInputReused, again.logRows], [1, true, 7]);
  await assertBooksBalance(bench);
});

test("what an instance keeps of a session is read again once a row came from the other arm", async () => {
  const bench = createTest();
  const ann = bench.user("ann");
  await apply(bench, [sessionChange(), messageChange(1)]);
  const opened = await ann.query(api.turns.open, { id: "s1" });
  const session = opened?.session as Id<"sessions">;
  const known = { knownThrough: 1, knownRevision: opened?.revision ?? 0 };
  const begin = { session, now: NOW, instance: "here", holds: true };
  const before = await ann.mutation(api.turns.begin, { ...begin, ...known });
  assert.ok(before.status === "ready" && before.messages === null);
  const data = { ...messageChange(1).data, text: "changed" };
  await apply(bench, [messageChange(1, { version: 2, data })]);
  const after = await ann.mutation(api.turns.begin, { ...begin, ...known });
  assert.ok(after.status === "ready");
  assert.equal(after.messages?.[0]?.text, "changed");
});

test("a session that another instance holds is left alone", async () => {
  const bench = createTest();
  await apply(bench, [sessionChange()]);
  const session = (await bench.user("ann").query(api.turns.open, { id: "s1" }))?.session as Id<"sessions">;
  await bench.user("ann").mutation(api.turns.begin, { session, now: NOW, instance: "there", holds: true });
  const groups = [
    { changes: [given(folder())] },
    { session: "s1", changes: [given(messageChange(1))] },
    { session: "s2", changes: [given(sessionChange({ key: "s2", data: { ...sessionChange().data, id: "s2" } }))] },
  ];
  const told = await bench.service.mutation(api.changes.apply, { instance: "here", now: NOW, groups });
  assert.deepEqual(
    told.map(({ status }) => status),
    ["done", "busy", "done"],
  );
  assert.equal((await bench.user("ann").query(api.messages.below, { id: "s1", limit: 5 }))?.length, 0);
});

test("a session deleted on the other arm goes with its rows, and what comes for them later is skipped", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const bench = createTest();
  await apply(bench, [sessionChange(), messageChange(1), messageChange(2)]);
  assert.deepEqual(await apply(bench, [sessionChange({ op: "delete", version: 3, data: undefined })]), [
    { outcome: "applied" },
  ]);
  await bench.t.finishAllScheduledFunctions(() => context.mock.timers.runAll());
  const tombstone = messageChange(1, { op: "delete", version: 2, data: undefined });
  assert.deepEqual(await apply(bench, [messageChange(2, { version: 9 }), tombstone]), [
    { outcome: "skipped" },
    { outcome: "skipped" },
  ]);
  const { rows, changes } = await books(bench);
  assert.deepEqual(rows, []);
  assert.deepEqual(
    changes.map(({ kind, op }) => [kind, op]),
    [["sessions", "delete"]],
  );
});

test("a row that is past its time is not in the way of a new one of its key", async () => {
  const bench = createTest();
  const token = (expiresAt: number) => {
    const data = { jti: "j", user_id: "ann", expires_at: expiresAt };
    return {
      seq: 1,
      op: "upsert",
      user_id: "ann",
      version: 1,
      origin: "legacy",
      at: NOW,
      kind: "revoked_tokens",
      key: "j",
      data,
    };
  };
  const [past, next] = [token(NOW - 1), token(Date.now() + 60_000)];
  assert.deepEqual(await apply(bench, [past, next, token(1)]), [
    { outcome: "applied" },
    { outcome: "applied" },
    { outcome: "skipped" },
  ]);
});
