import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "./_generated/api.js";
import { DETACH_BATCH } from "./model/folders.ts";
import { createTest, NOW, type TestUser } from "./test.setup.ts";

const create = (user: TestUser, id: string, now = NOW) =>
  user.mutation(api.folders.create, { id, spareId: `${id}-spare`, name: id, now });

test("a folder is seen by its owner and by nobody else", async () => {
  const { user } = createTest();
  await create(user("ann"), "f1");
  assert.equal((await user("ann").query(api.folders.list, {})).length, 1);
  assert.deepEqual(await user("bob").query(api.folders.list, {}), []);
  assert.equal(await user("bob").query(api.folders.get, { id: "f1" }), null);
  const renamed = await user("bob").mutation(api.folders.rename, { id: "f1", name: "mine", now: NOW });
  assert.deepEqual(renamed, { outcome: "not_found" });
});

test("folders come newest first and ties by id", async () => {
  const { user } = createTest();
  for (const [id, now] of [
    ["b", NOW],
    ["a", NOW],
    ["c", NOW + 1],
  ] as const)
    await create(user("ann"), id, now);
  const rows = await user("ann").query(api.folders.list, {});
  assert.deepEqual(
    rows.map((row) => row.folder.id),
    ["c", "a", "b"],
  );
});

test("a key that comes again after its day gets the spare id instead of a second folder of the same id", async () => {
  const { user } = createTest();
  const first = await create(user("ann"), "f1");
  const second = await create(user("ann"), "f1", NOW + 1);
  assert.ok(first.outcome === "done" && second.outcome === "done");
  assert.match(second.body ?? "", /f1-spare/);
});

test("deleting a folder detaches more sessions than one transaction takes", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { t, user } = createTest();
  const ann = user("ann");
  await create(ann, "f1");
  const count = DETACH_BATCH + 3;
  for (let i = 0; i < count; i += 1) {
    await ann.mutation(api.sessions.create, { id: `s${i}`, spareId: "", folderId: "f1", now: NOW + i });
  }
  assert.equal((await ann.query(api.folders.get, { id: "f1" }))?.folder.session_count, count);
  await ann.mutation(api.folders.remove, { id: "f1", now: NOW });
  await t.finishAllScheduledFunctions(() => context.mock.timers.runAll());
  const { sessions } = await ann.query(api.sessions.list, { limit: 100 });
  assert.ok(sessions.every((session) => session.folder_id === null));
  assert.equal((await ann.query(api.sessions.get, { id: `s${count - 1}` }))?.folder_id, null);
});

test("no function of a user answers without a user, and none of the service without the service", async () => {
  const { t, user } = createTest();
  await assert.rejects(t.query(api.folders.list, {}), /FORBIDDEN/);
  await assert.rejects(user("ann").query(api.accounts.credentials, { email: "a@b.co" }), /FORBIDDEN/);
  await assert.rejects(user("ann").query(api.sessions.ownerOf, { id: "s" }), /FORBIDDEN/);
});
