import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "./_generated/api.js";
import { KEPT_MS } from "./model/idempotency.ts";
import { createTest, NOW } from "./test.setup.ts";

const keyed = (key: string, fingerprint = "p") => ({ method: "POST", path: "/f", key, fingerprint });
const args = (id: string, key: string, now = NOW, fingerprint = "p") => ({
  id,
  spareId: `${id}-spare`,
  name: id,
  now,
  keyed: keyed(key, fingerprint),
});

test("the same key and body give the stored reply and no second effect", async () => {
  const ann = createTest().user("ann");
  const first = await ann.mutation(api.folders.create, args("f1", "k"));
  const again = await ann.mutation(api.folders.create, args("f1", "k"));
  assert.ok(first.outcome === "done" && again.outcome === "replayed");
  assert.equal(again.body, first.body);
  assert.equal(again.status, 201);
  assert.equal((await ann.query(api.folders.list, {})).length, 1);
});

test("the same key with another body is refused and does nothing", async () => {
  const ann = createTest().user("ann");
  await ann.mutation(api.folders.create, args("f1", "k"));
  const other = await ann.mutation(api.folders.create, args("f2", "k", NOW, "q"));
  assert.deepEqual(other, { outcome: "reused" });
  assert.equal((await ann.query(api.folders.list, {})).length, 1);
});

test("keys of two users do not meet", async () => {
  const { user } = createTest();
  await user("ann").mutation(api.folders.create, args("f1", "k"));
  const other = await user("bob").mutation(api.folders.create, args("f2", "k", NOW, "q"));
  assert.equal(other.outcome, "done");
});

test("a key is forgotten after a day and may then be used again", async () => {
  const ann = createTest().user("ann");
  await ann.mutation(api.folders.create, args("f1", "k"));
  const later = await ann.mutation(api.folders.create, args("f2", "k", NOW + KEPT_MS, "q"));
  assert.equal(later.outcome, "done");
  const admitted = await ann.query(api.accounts.admit, { jti: "j", now: NOW + KEPT_MS, keyed: keyed("k", "q") });
  assert.equal(admitted.replay?.status, 201);
});

test("a request that finds nothing stores no outcome, so that the key stays free", async () => {
  const ann = createTest().user("ann");
  const missing = { id: "f1", name: "a", now: NOW, keyed: keyed("k") };
  assert.deepEqual(await ann.mutation(api.folders.rename, missing), { outcome: "not_found" });
  const { replay, isReused } = await ann.query(api.accounts.admit, { jti: "j", now: NOW, keyed: keyed("k") });
  assert.deepEqual([replay, isReused], [null, false]);
});

test("a dry run answers and leaves neither effect nor record", async () => {
  const ann = createTest().user("ann");
  await assert.rejects(ann.mutation(api.folders.create, { ...args("f1", "k"), dryRun: true }), /DRY_RUN/);
  assert.deepEqual(await ann.query(api.folders.list, {}), []);
  assert.equal((await ann.mutation(api.folders.create, args("f1", "k"))).outcome, "done");
});
