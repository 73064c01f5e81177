import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadContext } from "./context.ts";
import { createRecentRows, PROMPT_ROWS } from "./recentRows.ts";
import { updateUserModel } from "./userModel.ts";

test("loading never fails, and what it made loads again unchanged without repairs", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      const loaded = loadContext(text, () => undefined);
      const repairs: string[] = [];
      assert.deepEqual(
        loadContext(JSON.stringify(loaded), (field) => repairs.push(field)),
        loaded,
      );
      assert.deepEqual(repairs, []);
    }),
  );
});

test("a wrong value is replaced and counted, a missing one is replaced silently", () => {
  const repairs: string[] = [];
  const stored = { last_pedagogical_action: "next", session_goal: "pass", user_model_state: { concepts: { a: 1 } } };
  const context = loadContext(JSON.stringify(stored), (field) => repairs.push(field));
  assert.deepEqual(repairs.sort(), ["concepts", "last_pedagogical_action"]);
  assert.deepEqual([context.session_goal, context.last_pedagogical_action], ["pass", null]);
  assert.deepEqual(context.user_model_state.concepts, {});
});

test("a topic may be called like a built-in, and is cut at 200 code points", () => {
  const { user_model_state: model } = loadContext("{}", () => undefined);
  updateUserModel(model, { topic: "__proto__", outcome: "correct", now: 0 });
  updateUserModel(model, { topic: "😀".repeat(300), outcome: "explained", now: 0 });
  assert.deepEqual(Object.keys(model.concepts), ["__proto__", "😀".repeat(200)]);
  assert.equal(JSON.parse(JSON.stringify(model)).concepts["😀".repeat(200)].attempts, 1);
});

test("kept rows are dropped as soon as one in between is unknown", () => {
  const row = (turnNo: number) => ({ turnNo, role: "user" as const, text: "t" });
  const rows = createRecentRows([], 0, 0);
  for (let n = 1; n <= PROMPT_ROWS + 5; n += 1) rows.add(row(n));
  assert.equal(rows.below(PROMPT_ROWS + 5).length, PROMPT_ROWS);
  assert.equal(rows.knownThrough, PROMPT_ROWS + 5);
  rows.add(row(99));
  assert.notEqual(rows.knownThrough, 99);
  assert.deepEqual(rows.below(100), []);
});
