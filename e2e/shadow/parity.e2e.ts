// shadow §17 row 15: with no fault switched on nothing differs, whoever is served; and the models of the targets cost nothing.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { LessonsWorld } from "./lessonsWorld.ts";
import { runParity } from "./parityRun.ts";

let world: LessonsWorld | null = null;
after(async () => world?.stop());

for (const served of ["control", "candidate"] as const) {
  test(`lessons served by ${served} and mirrored to the other arm: 0 different, everything compared`, async (t) => {
    await world?.stop();
    const plan = { served, students: 6, atOnce: 6, turns: 4 };
    const found = await runParity(plan, (started) => {
      world = started;
    });
    t.diagnostic(JSON.stringify(found));
    assert.ok(found.comparedShare >= 0.995 && found.conversationShare >= 0.99, JSON.stringify(found));
    assert.equal(found.missed, 0, "every model call of a target was on the tape");
  });
}
