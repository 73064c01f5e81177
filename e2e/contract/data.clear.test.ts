import assert from "node:assert/strict";
import {
  AT_STORE,
  apply,
  changes,
  digest,
  digestOf,
  exported,
  internal,
  item,
  livedIn,
  startOwn,
} from "./harness/index.ts";

const SHADOW = { "X-Shadow": "1" };

item(
  "rest §7",
  "a shadow instance forgets a user whole, and takes them again from the beginning",
  async (c) => {
    const [{ user, session }, other] = [await livedIn(c), await livedIn(c)];
    const { at } = await startOwn(c, { env: { SHADOW_INSTANCE: "1" } });
    const path = `/internal/users/${encodeURIComponent(user.sub)}`;
    for (const sub of [user.sub, other.user.sub]) {
      const { rows, end } = await exported(c, sub);
      const taken = await apply(at, rows);
      assert.deepEqual([taken.applied, taken.rejected], [rows.length, []]);
      assert.equal((await digest(at, sub)).full_hash, end.full_hash);
    }
    const keyed = { user, body: { name: "kept" }, headers: { ...SHADOW, "Idempotency-Key": "once" } };
    assert.equal((await at.api("POST", "/api/v1/folders/", keyed)).status, 201);
    const tutor = await at.tutor(user, session, { headers: SHADOW });

    const cleared = await internal(at, "DELETE", path);
    assert.deepEqual([cleared.status, cleared.text], [204, ""]);
    assert.equal((await tutor.closed()).code, 1000);
    const { sections, full_hash } = await digest(at, user.sub);
    assert.deepEqual({ sections, full_hash }, { sections: digestOf([]).sections, full_hash: digestOf([]).full_hash });
    assert.deepEqual((await exported(at, user.sub)).rows, []);
    const page = await changes(at, `after=0&user_id=${encodeURIComponent(user.sub)}`);
    assert.deepEqual(page.changes, [], "no tombstones either");
    assert.equal((await digest(at, other.user.sub)).full_hash, (await digest(c, other.user.sub)).full_hash);
    assert.equal((await internal(at, "DELETE", path)).status, 204, "there is nothing to forget");

    const { rows, end } = await exported(c, user.sub);
    assert.equal((await apply(at, rows)).applied, rows.length, "nothing is skipped as older");
    assert.equal((await digest(at, user.sub)).full_hash, end.full_hash);
    const again = await at.api("POST", "/api/v1/folders/", { ...keyed, body: { name: "another" } });
    assert.equal(again.status, 201, "the key was forgotten with everything else");
  },
  { ...AT_STORE, timeoutMs: 90_000 },
);

item(
  "rest §7",
  "who serves users forgets none of them: the path is unknown",
  async (c) => {
    const user = c.user();
    await c.session(user);
    const { status, json } = await internal(c, "DELETE", `/internal/users/${encodeURIComponent(user.sub)}`);
    assert.deepEqual([status, json()], [404, { detail: "Not Found" }]);
    assert.equal((await internal(c, "GET", `/internal/users/${encodeURIComponent(user.sub)}`)).status, 404);
  },
  AT_STORE,
);
