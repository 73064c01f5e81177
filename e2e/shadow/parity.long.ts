// The acceptance: 10,000 mixed exchanges and 500 conversations, 0 differences, nearly all of it compared.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { LessonsWorld } from "./lessonsWorld.ts";
import { runParity } from "./parityRun.ts";

let world: LessonsWorld | null = null;
after(async () => world?.stop());

test("10,000 exchanges and 500 conversations of lessons: 0 differences", async (t) => {
  const plan = { served: "control", students: 255, atOnce: 6, turns: 8 } as const;
  const found = await runParity(plan, (started) => {
    world = started;
  });
  t.diagnostic(JSON.stringify(found));
  assert.ok(found.exchanges >= 10_000 && found.conversations >= 500, JSON.stringify(found));
  assert.ok(found.comparedShare >= 0.995, "HTTP and turns");
  assert.ok(found.conversationShare >= 0.99, "conversations");
  assert.equal(found.missed, 0, "every model call of a target was on the tape");
  assert.ok(found.seededInS <= 60, "shadow §17, row 5: 95 % of the groups have their state within a minute");
});
