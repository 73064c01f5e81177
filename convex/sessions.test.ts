import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { api } from "./_generated/api.js";
import { createTest, NOW } from "./test.setup.ts";

test("pages over sessions meet each one once, newest first, also when times are equal", async () => {
  const times = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(times, fc.integer({ min: 1, max: 5 }), async (offsets, limit) => {
      const ann = createTest().user("ann");
      for (const [i, offset] of offsets.entries()) {
        await ann.mutation(api.sessions.create, { id: `s${i}`, spareId: "", folderId: null, now: NOW + offset });
      }
      const seen: string[] = [];
      for (let before: string | null | undefined; before !== null; ) {
        const page = await ann.query(api.sessions.list, { limit, ...(before && { before }) });
        seen.push(...page.sessions.map((session) => session.id));
        before = page.next_before;
      }
      const expected = offsets
        .map((offset, i) => ({ offset, id: `s${i}` }))
        .sort((a, b) => b.offset - a.offset || (a.id < b.id ? -1 : 1))
        .map(({ id }) => id);
      assert.deepEqual(seen, expected);
    }),
    { numRuns: 25 },
  );
});

test("an unknown or foreign bound gives an empty page", async () => {
  const { user } = createTest();
  await user("bob").mutation(api.sessions.create, { id: "b", spareId: "", folderId: null, now: NOW });
  await user("ann").mutation(api.sessions.create, { id: "a", spareId: "", folderId: null, now: NOW });
  for (const before of ["nothing", "b"]) {
    const page = await user("ann").query(api.sessions.list, { limit: 5, before });
    assert.deepEqual(page, { sessions: [], next_before: null });
  }
});

test("a session in a foreign or unknown folder has no folder", async () => {
  const { user } = createTest();
  await user("bob").mutation(api.folders.create, { id: "f", spareId: "", name: "f", now: NOW });
  for (const [id, folderId] of [
    ["s1", "f"],
    ["s2", "nothing"],
  ] as const) {
    await user("ann").mutation(api.sessions.create, { id, spareId: "", folderId, now: NOW });
    assert.equal((await user("ann").query(api.sessions.get, { id }))?.folder_id, null);
  }
});
