// shadow K6, W6: models that say something else every time, on both arms: what is theirs never counts, everything else does, and
// what they may spend has an end.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createIssuer, eventually, TEST_SECRET } from "../support/index.ts";
import { Student } from "./lessons.ts";
import { type LessonsOptions, type LessonsWorld, startLessonsWorld } from "./lessonsWorld.ts";
import { runParity, seeded, write } from "./parityRun.ts";

let world: LessonsWorld | null = null;
after(async () => world?.stop());

const LIVE = { modelEnv: { STANDIN_VARIED: "1" }, without: ["shadow-control"] } as const;

test("lessons with live models on both arms: nothing counts that the models have said, and nearly all is compared", async (t) => {
  const own: Omit<LessonsOptions, "served"> = { ...LIVE, liveTokensPerHour: 1_000_000 };
  const plan = { served: "control" as const, students: 4, atOnce: 4, turns: 4, world: own };
  const found = await runParity(plan, (started) => {
    world = started;
  });
  t.diagnostic(JSON.stringify(found));
  assert.ok(found.comparedShare >= 0.995 && found.conversationShare >= 0.99, JSON.stringify(found));
  assert.equal(found.missed, 0);
  const samples = await (world as LessonsWorld).metrics();
  // Both said other words: were they the same, this would prove nothing.
  const turns = samples.by("comparisons_total", "verdict", { route: "WS /ws/v2/session/:id" });
  t.diagnostic(JSON.stringify(turns));
  assert.ok((turns["equivalent"] ?? 0) + (turns["accepted"] ?? 0) >= 8, JSON.stringify(turns));
});

test("behind the tokens of an hour the turns are not compared, and say why; the users have their lessons", async (t) => {
  await world?.stop();
  const user = createIssuer(TEST_SECRET).user();
  const started = await startLessonsWorld({
    ...LIVE,
    served: "control",
    liveTokensPerHour: 400,
    before: ({ control }) => write(control.baseUrl, [user]),
  });
  world = started;
  await seeded(started, 1);
  const student = new Student(started, user);
  await student.arrive();
  const session = await student.office(1);
  await student.lesson(session, 6);
  await eventually(async () => {
    const reasons = (await started.metrics()).by("not_compared_total", "reason");
    assert.ok((reasons["budget"] ?? 0) >= 1, JSON.stringify(reasons));
  }, 20_000);
  const samples = await started.settled();
  t.diagnostic(JSON.stringify(samples.by("not_compared_total", "reason")));
  assert.equal(samples.sum("comparisons_total", { verdict: "different" }), 0);
  assert.equal(samples.sum("accounting_gap"), 0);
});
