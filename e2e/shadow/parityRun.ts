// Lessons of many students with no fault switched on: nothing may differ, and nearly everything must be compared.
import assert from "node:assert/strict";
import { call, createIssuer, eventually, TEST_SECRET, type User } from "../support/index.ts";
import { Student } from "./lessons.ts";
import { type LessonsOptions, type LessonsWorld, startLessonsWorld } from "./lessonsWorld.ts";
import type { Samples } from "./metricSamples.ts";

export interface ParityPlan {
  readonly served: "control" | "candidate";
  readonly students: number;
  readonly atOnce: number;
  readonly turns: number;
  readonly world?: Omit<LessonsOptions, "served" | "before">;
}

export interface ParityFigures {
  readonly exchanges: number;
  readonly conversations: number;
  /** Of what was sampled since all were seeded. */
  readonly comparedShare: number;
  readonly conversationShare: number;
  readonly stateChecks: number;
  readonly missed: number;
  /** From the first call of all until 95 % of their groups had their state at the target (shadow §17, row 5). */
  readonly seededInS: number;
}

/** shadow §17, row 5. */
const SEEDED_SHARE = 0.95;

const issuer = createIssuer(TEST_SECRET);

export async function runParity(plan: ParityPlan, keep: (world: LessonsWorld) => void): Promise<ParityFigures> {
  const { served, students: count, atOnce, turns, world: more } = plan;
  const users = Array.from({ length: count }, () => issuer.user());
  // Who is to be served by the candidate sits at control until the first call: none of them is seeded before.
  const known = served === "control" ? users.slice(0, Math.ceil(count / 2)) : [];
  const world = await startLessonsWorld({ ...more, served, before: (arms) => write(arms[served].baseUrl, known) });
  keep(world);
  await seeded(world, known.length);
  const students = users.map((user) => new Student(world, user));
  const arrivedMs = performance.now();
  for (const student of students) await student.arrive();
  await seeded(world, Math.ceil(SEEDED_SHARE * count));
  const seededInS = Math.round((performance.now() - arrivedMs) / 1_000);
  await seeded(world, count);
  const waiting = students.map((student, nr) => ({ student, nr }));
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { student, nr } = next;
      const session = await student.office(nr);
      await Promise.all([student.lesson(session, turns), student.board(session, 3)]);
      await student.review(session);
      if (nr % 2 === 0) await student.tidy(session);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  // The state of both stores is compared five seconds behind the last write.
  await eventually(
    async () => {
      const now = await world.metrics();
      assert.ok(now.sum("state_checks_total") >= count, `${now.sum("state_checks_total")} checks; ${tell(world, now)}`);
    },
    30_000,
    500,
  );
  const samples = await world.settled();
  assert.equal(samples.sum("accounting_gap"), 0, "shadow A1");
  assert.equal(samples.sum("comparisons_total", { verdict: "different" }), 0, tell(world, samples));
  assert.equal(samples.sum("comparisons_total", { verdict: "shadow_failed" }), 0, tell(world, samples));
  return { ...figures(world, samples), seededInS };
}

/** Whom the arm knows before there is a proxy (shadow J1). */
export async function write(baseUrl: string, users: readonly User[]): Promise<void> {
  for (const { token } of users) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const made = await call(baseUrl, {
      method: "POST",
      path: "/api/v1/folders/",
      headers,
      body: JSON.stringify({ name: "Before", knowledge_base: "All." }),
    });
    assert.equal(made.status, 201, made.text);
  }
}

export const seeded = (world: LessonsWorld, count: number): Promise<void> =>
  eventually(
    async () => {
      const now = (await world.metrics()).sum("groups", { state: "seeded" });
      assert.ok(now >= count, `${now} are seeded`);
    },
    15_000 + count * 200,
    250,
  );

function tell(world: LessonsWorld, samples: Samples): string {
  const counts = [
    samples.by("comparisons_total", "verdict"),
    samples.by("comparisons_total", "route", { verdict: "different" }),
    samples.by("not_compared_total", "reason"),
    samples.by("groups", "state"),
    world.families(),
    world.misses().slice(0, 3),
  ];
  return counts.map((one) => JSON.stringify(one)).join(" ");
}

function figures(world: LessonsWorld, samples: Samples): Omit<ParityFigures, "seededInS"> {
  const compared = samples.sum("comparisons_total");
  const unsafe = samples.sum("not_compared_total", { reason: "unsafe_write" });
  const lost = samples.sum("not_compared_total") - unsafe;
  const conversations = samples.sum("conversations_total");
  const whole = conversations - samples.sum("conversations_total", { verdict: "not_compared" });
  return {
    exchanges: compared + lost,
    conversations,
    comparedShare: compared / (compared + lost),
    conversationShare: whole / conversations,
    stateChecks: samples.sum("state_checks_total", { verdict: "identical" }),
    missed: world.misses().length,
  };
}
