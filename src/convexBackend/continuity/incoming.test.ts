import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { groupsOf, isForOneTransaction, itemOf, packsOf, partsOf } from "./incoming.ts";

const row = (session: string, key: string, chars = 10) => ({
  kind: "session_messages",
  op: "upsert",
  key: `${session}/${key}`,
  data: { session_id: session, text: "x".repeat(chars) },
});

test("a session stands before what belongs to it, boards apart, a user's other rows together", () => {
  const session = { kind: "sessions", op: "upsert", key: "s", data: {} };
  const board = { kind: "yjs_snapshots", op: "upsert", key: "s", data: { session_id: "s", state: "" } };
  const folder = { kind: "folders", op: "upsert", key: "f", user_id: "ann", data: {} };
  const groups = groupsOf([row("s", "1"), board, session, folder, { ...folder, key: "g" }].map(itemOf));
  assert.deepEqual(
    groups.map(({ session: of, rows, boards }) => [of, rows.map(({ change }) => change["key"]), boards.length]),
    [
      ["s", ["s", "s/1"], 1],
      [null, ["f", "g"], 0],
    ],
  );
});

test("what is no change, and a row that the store cannot hold, is in no group and says why", () => {
  const items = [7, row("s", "1", 1_100_000)].map(itemOf);
  assert.deepEqual(groupsOf(items), []);
  assert.deepEqual(
    items.map(({ result }) => result?.reason),
    ["a change is an object", "the row is larger than the store takes"],
  );
});

test("packs hold every group once, in order, and never more than one transaction takes", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 450 }), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, (counts) => {
      const changes = counts.flatMap((count, s) => Array.from({ length: count }, (_, i) => row(`s${s}`, `${i}`)));
      const groups = groupsOf(changes.map(itemOf));
      const packs = packsOf(groups.filter(isForOneTransaction));
      assert.deepEqual(packs.flat(), groups.filter(isForOneTransaction));
      for (const pack of packs) assert.ok(pack.reduce((sum, { rows }) => sum + rows.length, 0) <= 200);
      for (const { rows } of groups) {
        const parts = partsOf(rows);
        assert.deepEqual(parts.flat(), rows);
        assert.ok(parts.every((part) => part.length <= 200));
      }
    }),
  );
});
