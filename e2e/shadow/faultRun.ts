// Faults of the shadow target, one at a time (contract faults.md §2): what the shadow must say of each, and what traffic shows it.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { call, createIssuer, eventually, metricSum, TEST_SECRET } from "../support/index.ts";
import { Student } from "./lessons.ts";
import type { LessonsWorld } from "./lessonsWorld.ts";
import type { Samples } from "./metricSamples.ts";

/** `different`: one of these kinds of differences. `shadow_failed`: it did not answer. `latency`: it only took longer. */
export interface ExpectedFault {
  readonly fault: string;
  readonly as: "different" | "shadow_failed" | "latency";
  readonly kinds?: readonly string[];
  /** The routes that have it, and no others. */
  readonly on?: RegExp;
  /** The one place at which a lesson is told to differ: what comes of it there is a consequence (shadow K3). */
  readonly at?: string;
  /** The target's process ends, and its launcher starts it again. */
  readonly isEnding?: boolean;
  /** What shows it: calls, a lesson, two sockets on a board, the state of both stores, a board again, a write again, another's session. */
  readonly by: "calls" | "lesson" | "board" | "state" | "reconnect" | "twice" | "foreign";
}

const different = (by: ExpectedFault["by"], kinds: string, ...faults: readonly string[]): ExpectedFault[] =>
  faults.map((fault) => ({ fault, as: "different", by, kinds: kinds.split(" ") }));
const atModel = (fault: string, at: string, ...kinds: readonly string[]): ExpectedFault[] => [
  { fault, as: "different", by: "lesson", kinds, at },
];
const failed = (by: keyof typeof PLACES, ...faults: readonly string[]): ExpectedFault[] =>
  faults.map((fault) => ({ fault, as: "shadow_failed", by, on: PLACES[by] }));
const ending = (expected: readonly ExpectedFault[]): ExpectedFault[] =>
  expected.map((one) => ({ ...one, isEnding: true }));
const slow = (by: ExpectedFault["by"], ...faults: readonly string[]): ExpectedFault[] =>
  faults.map((fault) => ({ fault, as: "latency", by }));

const PLACES = {
  calls: /^(GET|POST|PATCH) \/api\//,
  lesson: /^WS \/ws\/v2\/session\/[^/]+$/,
  board: /^WS \/ws\/v2\/session\/[^/]+\/whiteboard$/,
} as const;

export const FAULTS: readonly ExpectedFault[] = [
  ...different("calls", "status", "wrong-status", "http-5xx", "late-5xx", "token-reject"),
  ...different("calls", "missing", "missing-field"),
  ...different("calls", "extra", "extra-field", "leak-field"),
  ...different("calls", "type value missing", "null-field", "type-change", "time-format"),
  ...different("lesson", "type value", "wrong-error-code", "float-text"),
  ...different("calls", "value type", "value-change", "clock-skew", "id-random"),
  ...different("calls", "order value", "reorder-array", "truncate-list"),
  ...different("calls", "type value", "garble-json"),
  ...different("lesson", "missing type value", "absent-null"),
  ...different("lesson", "missing extra order type value", "drop-frame", "dup-frame", "extra-frame", "drop-inbound"),
  ...different("lesson", "order value", "reorder-frames"),
  ...different("lesson", "type value missing", "delta-mismatch", "wrong-tool"),
  ...atModel("prompt-change", "model.request $.messages[*].content", "value"),
  ...atModel("extra-model-call", "model.request", "extra", "missing"),
  ...different("lesson", "status missing", "refuse-handshake", "accept-close", "close-1011"),
  ...different("board", "missing value extra type", "lost-yjs-update", "corrupt-yjs"),
  ...different("state", "value missing status order", "lost-write", "stale-read"),
  ...different("reconnect", "missing value extra type", "unsaved-yjs-update"),
  ...different("twice", "value status missing order extra", "double-effect"),
  ...different("foreign", "status", "skip-ownership"),
  ...failed("calls", "reset", "hang"),
  ...failed("lesson", "half-open"),
  ...failed("board", "half-open@whiteboard"),
  ...ending(failed("calls", "crash")),
  ...ending(failed("lesson", "crash-mid-turn")),
  ...slow("calls", "slow-reply", "cpu-burn"),
  // Longer than the patience of shadow I7 it would be no answer.
  ...slow("lesson", "slow-model:1:300"),
];

/** shadow §17, row 16. */
const EXCHANGES_MAX = 200;

/** Boards that are apart are told of after ten seconds of quiet (shadow L4). */
const BOARD_MS = 12_500;
const RACE_MS = 2_500;
const issuer = createIssuer(TEST_SECRET);

type Found = Readonly<Record<string, number>>;

/** What the metrics have more than before, by label; and how many exchanges have ended since. */
function deltas(before: Samples, after: Samples): { readonly found: Found; readonly exchanges: number } {
  const found: Record<string, number> = {};
  for (const [name, label] of [
    ["comparisons_total", "verdict"],
    ["differences_total", "kind"],
  ] as const) {
    for (const [key, more] of growth(before.by(name, label), after.by(name, label))) found[`${label}:${key}`] = more;
  }
  const ended = ({ sum }: Samples): number =>
    sum("comparisons_total") + sum("not_compared_total") - sum("not_compared_total", { reason: "unsafe_write" });
  return { found, exchanges: ended(after) - ended(before) };
}

const growth = (one: Found, other: Found): readonly (readonly [string, number])[] =>
  Object.entries(other).flatMap(([key, count]) => (count > (one[key] ?? 0) ? [[key, count - (one[key] ?? 0)]] : []));

const routesWith = (verdict: string, before: Samples, after: Samples): readonly string[] =>
  growth(before.by("comparisons_total", "route", { verdict }), after.by("comparisons_total", "route", { verdict })).map(
    ([route]) => route,
  );

type Shadow = "control" | "candidate";

async function seeded(world: LessonsWorld, known: number): Promise<void> {
  await eventually(
    async () => {
      const groups = await world.metrics();
      assert.equal(groups.sum("groups", { state: "waiting" }), 0, "the student is seeded");
      assert.ok(groups.sum("groups") > known, "the student is known");
    },
    15_000,
    200,
  );
}

async function traffic(world: LessonsWorld, student: Student, by: ExpectedFault["by"]): Promise<void> {
  const session = await student.office(0);
  if (by === "lesson" || by === "state") await student.lesson(session, 3);
  if (by === "board") await student.board(session, 3, BOARD_MS);
  if (by === "reconnect") {
    await student.board(session, 3);
    await student.board(session, 1, BOARD_MS);
  }
  if (by === "twice") await student.twice();
  if (by === "foreign") await new Student(world, issuer.user()).look(session);
  // A read close behind a write may be overtaken; what is asked later cannot.
  if (by === "state") await sleep(RACE_MS);
  await student.review(session);
}

/** Gives what was counted, and how many exchanges it took. @throws when it is not found as expected */
export async function findFault(world: LessonsWorld, shadow: Shadow, expected: ExpectedFault): Promise<string> {
  const { fault, by } = expected;
  const known = (await world.metrics()).sum("groups");
  const student = new Student(world, issuer.user());
  await student.arrive();
  await seeded(world, known);
  const before = await world.settled();
  const countsBefore = lessonCounts(world);
  const [firedBefore, restartsBefore] = [await firedAt(world, shadow, fault), world.targets[shadow]?.restarts ?? 0];
  await world.setFaults(shadow, fault);
  try {
    await traffic(world, student, by);
    const told = expected.as === "latency" ? await tookLonger(world, before) : await isTold(world, before, expected);
    if (expected.at !== undefined) await isAt(world, countsBefore, expected.at);
    if (expected.as === "latency") assert.ok((await firedAt(world, shadow, fault)) > firedBefore, `${fault} has fired`);
    return `${fault}: ${told}`;
  } finally {
    // One whose process has ended is there again in a moment.
    await eventually(() => world.setFaults(shadow, ""), 30_000, 200);
    if (expected.isEnding === true)
      assert.ok((world.targets[shadow]?.restarts ?? 0) > restartsBefore, "it was started again");
  }
}

async function isTold(
  world: LessonsWorld,
  before: Samples,
  { fault, as, kinds, by, on }: ExpectedFault,
): Promise<string> {
  const [now, { found, exchanges }] = await eventually(
    async () => {
      const samples = await world.metrics();
      const more = deltas(before, samples);
      assert.ok((more.found[`verdict:${as}`] ?? 0) > 0, `${fault} is not found: ${JSON.stringify(more.found)}`);
      return [samples, more] as const;
    },
    by === "calls" || by === "lesson" ? 8_000 : 25_000,
    250,
  );
  const told = `${JSON.stringify(found)}, ${exchanges} exchanges`;
  assert.ok(exchanges <= EXCHANGES_MAX, told);
  if (kinds !== undefined)
    assert.ok(
      kinds.some((kind) => (found[`kind:${kind}`] ?? 0) > 0),
      told,
    );
  if (as !== "shadow_failed") return told;
  const whole = await world.settled();
  const after = deltas(before, whole);
  assert.equal(
    after.found["verdict:different"] ?? 0,
    0,
    `${JSON.stringify(after.found)} ${JSON.stringify(world.families())}`,
  );
  const routes = routesWith(as, before, now);
  assert.ok(on !== undefined && routes.some((route) => on.test(route)), routes.join(", "));
  return `${told}: ${routes.join(", ")}`;
}

/** How often each family of lessons has been seen to differ. */
const lessonCounts = (world: LessonsWorld): ReadonlyMap<string, number> =>
  new Map(
    world.families().flatMap(({ route, template, kind, control, candidate, differing }) => {
      const name = JSON.stringify([template, kind, control, candidate]);
      return PLACES.lesson.test(route) ? [[name, differing] as const] : [];
    }),
  );

/** All that lessons differ in is there. */
async function isAt(world: LessonsWorld, before: ReadonlyMap<string, number>, at: string): Promise<void> {
  const templates = (): readonly unknown[] =>
    [...lessonCounts(world)].flatMap(([name, count]) => (count > (before.get(name) ?? 0) ? [JSON.parse(name)[0]] : []));
  await eventually(() => assert.deepEqual(templates(), [at]), 8_000, 250);
  await world.settled();
  assert.deepEqual(templates(), [at]);
}

/** No verdict tells of it; what it took is told beside (shadow §7). */
async function tookLonger(world: LessonsWorld, before: Samples): Promise<string> {
  const after = await world.settled();
  const { found, exchanges } = deltas(before, after);
  const skipped = growth(before.by("not_compared_total", "reason"), after.by("not_compared_total", "reason"));
  for (const verdict of ["different", "shadow_failed", "transient"])
    assert.equal(found[`verdict:${verdict}`], undefined, JSON.stringify(found));
  assert.deepEqual(
    skipped.filter(([reason]) => reason !== "unsafe_write"),
    [],
  );
  const meanMs = (arm: Shadow): number =>
    (1_000 * (after.sum("duration_seconds_sum", { arm }) - before.sum("duration_seconds_sum", { arm }))) /
    (after.sum("duration_seconds_count", { arm }) - before.sum("duration_seconds_count", { arm }));
  return `${JSON.stringify(found)}, ${exchanges} exchanges; control took ${meanMs("control").toFixed(0)} ms, candidate ${meanMs("candidate").toFixed(0)} ms`;
}

async function firedAt(world: LessonsWorld, shadow: Shadow, fault: string): Promise<number> {
  const target = world.targets[shadow];
  assert.ok(target !== undefined);
  const { text } = await call(target.baseUrl, { method: "GET", path: "/metrics", headers: { "x-shadow": "1" } });
  return metricSum(text, "ai_tutor_faults_injected_total", { fault: fault.split(/[:@]/)[0] ?? "" });
}
