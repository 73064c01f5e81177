// shadow §17 row 15: with no fault switched on nothing differs, whoever is served; and the models of the targets cost nothing.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createIssuer, eventually, TEST_SECRET } from "../support/index.ts";
import { Student } from "./lessons.ts";
import { type LessonsWorld, startLessonsWorld } from "./lessonsWorld.ts";

const STUDENTS = 6;
const issuer = createIssuer(TEST_SECRET);
let world: LessonsWorld | null = null;
after(async () => world?.stop());

for (const served of ["control", "candidate"] as const) {
  test(`lessons served by ${served} and mirrored to the other arm: 0 different, everything compared`, async () => {
    await world?.stop();
    world = null;
    const own = await startLessonsWorld({ served });
    world = own;
    const students = Array.from({ length: STUDENTS }, () => new Student(own, issuer.user()));
    for (const student of students) await student.arrive();
    await eventually(
      async () => {
        assert.equal((await own.metrics()).sum("groups", { state: "seeded" }), STUDENTS, "all are seeded");
      },
      30_000,
      250,
    );
    const started = (await own.metrics()).sum("sampled_total");
    await Promise.all(
      students.map(async (student, nr) => {
        const session = await student.office(nr);
        await Promise.all([student.lesson(session, 4), student.board(session, 3)]);
        await student.review(session);
        if (nr % 2 === 0) await student.tidy(session);
      }),
    );
    // The state of both stores is compared five seconds behind the last write.
    await eventually(
      async () => {
        const now = await own.metrics();
        const told = ["state_checks_total", "comparisons_total"]
          .map((name) => JSON.stringify(now.by(name, "verdict")))
          .join(" ");
        const why = `${told} ${JSON.stringify(now.by("not_compared_total", "reason"))} ${JSON.stringify(now.by("groups", "state"))} ${JSON.stringify(own.families())}`;
        assert.ok(now.sum("state_checks_total") >= STUDENTS, why);
      },
      30_000,
      500,
    );
    const samples = await own.settled();
    const verdicts = samples.by("comparisons_total", "verdict");
    const why = () => `${JSON.stringify(verdicts)}\n${JSON.stringify(own.families())}\n${JSON.stringify(own.misses())}`;
    assert.equal(samples.sum("accounting_gap"), 0, "shadow A1");
    assert.equal(samples.sum("comparisons_total", { verdict: "different" }), 0, why());
    assert.equal(samples.sum("comparisons_total", { verdict: "shadow_failed" }), 0, why());
    const notCompared = samples.by("not_compared_total", "reason");
    const sampled = samples.sum("sampled_total") - started;
    const lost = Object.entries(notCompared).filter(([reason]) => reason !== "unsafe_write");
    assert.ok(lost.reduce((sum, [, count]) => sum + count, 0) <= sampled * 0.005, JSON.stringify(notCompared));
    const conversations = samples.by("conversations_total", "verdict");
    assert.deepEqual(Object.keys(conversations).sort(), ["equivalent", "identical"]);
    assert.equal(own.misses().length, 0, "every model call of a target was on the tape");
  });
}
