import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Json } from "../support/index.ts";
import { apply, AT_STORE, changes, internal, item } from "./harness/index.ts";

item(
  "rest §7",
  "a page of one arm's own changes leaves the other's out, and its cursor goes on behind them",
  async (c) => {
    const user = c.user();
    const [own, foreign] = c.target.arm === "control" ? ["legacy", "candidate"] : ["candidate", "legacy"];
    const mine = await c.folder(user, "mine");
    const key = randomUUID();
    const at = Date.now();
    const data = {
      id: key,
      user_id: user.sub,
      name: "theirs",
      vector_store_id: null,
      knowledge_base: null,
      created_at: at,
      updated_at: at,
    };
    const change = { seq: 1, kind: "folders", op: "upsert", key, user_id: user.sub, version: 1, origin: foreign, at };
    assert.equal((await apply(c, [{ ...change, data }])).applied, 1);
    const of = (query: string): Promise<Json> => changes(c, `after=0&user_id=${user.sub}${query}`);
    const folders = ({ changes: found }: Json): string[] =>
      found.filter(({ kind }: Json) => kind === "folders").map((one: Json) => one.key);
    const all = await of("");
    assert.deepEqual(folders(all).sort(), [mine, key].sort());
    const [ours, theirs] = [await of(`&origin=${own}`), await of(`&origin=${foreign}`)];
    assert.deepEqual([folders(ours), folders(theirs)], [[mine], [key]]);
    assert.ok(ours.cursor >= all.cursor && theirs.cursor >= all.cursor);
    // One at a time, past all that is not asked for.
    const found: Json[] = [];
    for (let cursor = 0; ; ) {
      const page = await changes(c, `after=${cursor}&limit=1&user_id=${user.sub}&origin=${foreign}`);
      found.push(...page.changes);
      if (!page.more) break;
      assert.ok(page.cursor > cursor);
      cursor = page.cursor;
    }
    assert.deepEqual(
      found.map((one) => one.key),
      [key],
    );
    const wrong = await internal(c, "GET", "/internal/changes?origin=nobody");
    assert.equal(wrong.status, 422, wrong.text);
    assert.deepEqual(wrong.json().detail[0].loc, ["query", "origin"]);
  },
  AT_STORE,
);
