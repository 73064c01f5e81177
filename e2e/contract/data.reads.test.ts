import assert from "node:assert/strict";
import { eventually, type Json } from "../support/index.ts";
import {
  AT_STORE,
  changes,
  changesOf,
  digest,
  digestOf,
  exported,
  internal,
  item,
  KINDS,
  livedIn,
  match,
  rowsOf,
  text,
} from "./harness/index.ts";

item(
  "rest §7",
  "the internal endpoints take the service token only, and tell nothing to others",
  async (c) => {
    const calls: [string, string][] = [
      ["GET", "/internal/users/u/digest"],
      ["GET", "/internal/users/u/export"],
      ["GET", "/internal/changes"],
      ["POST", "/internal/changes"],
    ];
    const bearer = { Authorization: `Bearer ${c.user().token}` };
    for (const [method, path] of calls) {
      for (const headers of [{}, { "X-Service-Token": "wrong" }, { ...bearer, Origin: "http://localhost:3000" }]) {
        const reply = await c.api(method, path, { headers });
        assert.equal(reply.status, 401, `${method} ${path}`);
        match(reply.json(), {
          error_code: (v: Json) => v === null || typeof v === "string",
          error_message: text,
          technical_details: null,
        });
        assert.equal(reply.headers["access-control-allow-origin"], undefined);
      }
    }
  },
  AT_STORE,
);

item(
  "rest §7",
  "an unknown user has a digest of nothing and an export of its last line",
  async (c) => {
    const { cursor, user_id, ...found } = await digest(c, "nobody/at all");
    assert.deepEqual(found, digestOf([]));
    assert.equal(user_id, "nobody/at all");
    assert.ok(Number.isSafeInteger(cursor) && cursor >= 0);
    const { rows, end } = await exported(c, "nobody/at all");
    assert.deepEqual(rows, []);
    match(end, { cursor: (v: Json) => Number.isSafeInteger(v), full_hash: digestOf([]).full_hash });
  },
  AT_STORE,
);

item(
  "rest §7",
  "the digest is what the contract makes of the rows that the feed gives",
  async (c) => {
    const { user } = await livedIn(c);
    await eventually(async () => {
      const before = await digest(c, user.sub);
      const rows = await rowsOf(c, user.sub);
      const { cursor: _, user_id: __, ...found } = await digest(c, user.sub);
      assert.equal(before.full_hash, found.full_hash, "at rest");
      assert.deepEqual(found, digestOf(rows));
      for (const kind of KINDS) {
        if (kind !== "revoked_tokens" && kind !== "concept_events") assert.ok(found.sections[kind].count > 0, kind);
      }
    });
  },
  AT_STORE,
);

item(
  "rest §7",
  "hash leaves out the times, full_hash does not",
  async (c) => {
    const user = c.user();
    const folder = await c.folder(user, "a");
    const rename = (name: string) => c.api("PATCH", `/api/v1/folders/${folder}`, { user, body: { name } });
    await rename("b");
    const first = (await digest(c, user.sub)).sections.folders;
    await c.pause(5);
    await rename("c");
    await c.pause(5);
    assert.equal((await rename("b")).status, 200);
    const second = (await digest(c, user.sub)).sections.folders;
    assert.equal(first.hash, second.hash);
    assert.notEqual(first.full_hash, second.full_hash);
  },
  AT_STORE,
);

item(
  "rest §7",
  "changes come in commit order with versions that count the writes, and a deletion carries no data",
  async (c) => {
    const user = c.user();
    const folder = await c.folder(user, "a");
    const session = await c.session(user, { folder_id: folder });
    for (const name of ["b", "c"]) await c.api("PATCH", `/api/v1/folders/${folder}`, { user, body: { name } });
    const found = await changesOf(c, user.sub);
    const seqs = found.map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      seqs.toSorted((a, b) => a - b),
    );
    const last = found.findLast(({ kind }) => kind === "folders");
    const origin = c.target.arm === "control" ? "legacy" : "candidate";
    match(last, {
      seq: (v: Json) => Number.isSafeInteger(v),
      kind: "folders",
      op: "upsert",
      key: folder,
      user_id: user.sub,
      version: 3,
      origin,
      at: (v: Json) => Math.abs(v - Date.now()) < 60_000,
      seen: 0,
      data: {
        id: folder,
        user_id: user.sub,
        name: "c",
        vector_store_id: null,
        knowledge_base: null,
        created_at: (v: Json) => Number.isSafeInteger(v),
        updated_at: (v: Json) => Number.isSafeInteger(v),
      },
    });
    assert.equal((await c.api("DELETE", `/api/v1/folders/${folder}`, { user })).status, 204);
    const later = await changesOf(c, user.sub, 500, seqs.at(-1));
    const gone = later.find(({ kind }) => kind === "folders");
    const { data: _, ...before } = last;
    match(gone, { ...before, seq: gone.seq, op: "delete", version: 4, at: gone.at });
    const moved = later.find(({ kind }) => kind === "sessions");
    assert.deepEqual([moved.key, moved.data.folder_id, moved.data.context.folder_id], [session, null, null]);
    assert.equal((await c.api("DELETE", `/api/v1/sessions/${session}`, { user })).status, 204);
    assert.deepEqual(
      (await rowsOf(c, user.sub)).map(({ kind }) => kind),
      ["accounts"],
    );
  },
  AT_STORE,
);

item(
  "rest §7",
  "pages are bounded and complete, of one user or of all, and a cursor at the end gives nothing",
  async (c) => {
    const { user } = await livedIn(c);
    const other = c.user();
    await c.folder(other, "other");
    const whole = await eventuallyAtRest(c, user.sub);
    const keys = (list: Json[]): string[] => list.map(({ kind, key }) => `${kind} ${key}`).sort();
    assert.deepEqual(keys(await changesOf(c, user.sub, 2)), keys(whole));
    assert.ok(whole.every(({ user_id }) => user_id === user.sub));
    const all = await changes(c, `after=${whole[0].seq - 1}&limit=1000`);
    for (const { kind, key } of whole)
      assert.ok(all.more || all.changes.some((one: Json) => one.kind === kind && one.key === key));
    const { cursor } = await changes(c, `after=0&user_id=${user.sub}`);
    const end = await changes(c, `after=${cursor}&user_id=${user.sub}`);
    match(end, { changes: [], cursor: (v: Json) => v >= cursor, more: false });
  },
  AT_STORE,
);

async function eventuallyAtRest(c: Parameters<typeof changesOf>[0], sub: string): Promise<Json[]> {
  return eventually(async () => {
    const [one, two] = [await changesOf(c, sub), await changesOf(c, sub)];
    assert.deepEqual(one, two);
    return one;
  });
}

item(
  "rest §7",
  "bad positions and limits are refused, absent ones are 0 and 500",
  async (c) => {
    for (const query of ["after=-1", "after=x", "limit=0", "limit=1001", "limit=1.5"]) {
      assert.equal((await internal(c, "GET", `/internal/changes?${query}`)).status, 422, query);
    }
    const reply = await internal(c, "GET", "/internal/changes");
    assert.equal(reply.status, 200);
    assert.ok(reply.json().changes.length <= 500);
  },
  AT_STORE,
);

item(
  "rest §7",
  "an export is the rows by kind and key, with the digest of that moment, and a place in the feed",
  async (c) => {
    const { user } = await livedIn(c);
    await eventuallyAtRest(c, user.sub);
    const { rows, end } = await exported(c, user.sub);
    const order = rows.map(({ kind, key }) => `${kind}\u0000${key}`);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
    assert.equal(end.full_hash, digestOf(rows).full_hash);
    assert.equal(end.full_hash, (await digest(c, user.sub)).full_hash);
    assert.deepEqual(
      rows.map(({ kind, key, version, data }) => ({ kind, key, version, data })).sort(byKey),
      (await rowsOf(c, user.sub)).map(({ kind, key, version, data }) => ({ kind, key, version, data })).sort(byKey),
    );
    assert.deepEqual(await changesOf(c, user.sub, 500, end.cursor), []);
    await c.folder(user, "later");
    assert.deepEqual(
      (await changesOf(c, user.sub, 500, end.cursor)).map(({ kind }) => kind),
      ["folders"],
    );
  },
  AT_STORE,
);

const byKey = (a: Json, b: Json): number => (`${a.kind} ${a.key}` < `${b.kind} ${b.key}` ? -1 : 1);

item(
  "rest §7",
  "the users that an arm knows come page by page, each once (an addition of ours)",
  async (c) => {
    const made = [c.user(), c.user(), c.user()];
    for (const user of made) await c.folder(user, "a");
    const found: string[] = [];
    for (let after: string | null = null; ; ) {
      const query: string = after === null ? "" : `&after=${encodeURIComponent(after)}`;
      const page = (await internal(c, "GET", `/internal/users?limit=50${query}`)).json();
      found.push(...page.users);
      if (!page.more) break;
      after = page.users.at(-1);
    }
    assert.equal(new Set(found).size, found.length);
    for (const { sub } of made) assert.ok(found.includes(sub));
    assert.equal((await c.api("GET", "/internal/users")).status, 401);
  },
  AT_STORE,
);
