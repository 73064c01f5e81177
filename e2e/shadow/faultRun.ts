// Faults of the shadow target, one at a time (contract faults.md §2): what the shadow must say of each, and what traffic shows it.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { createIssuer, eventually, TEST_SECRET } from "../support/index.ts";
import { Student } from "./lessons.ts";
import type { LessonsWorld } from "./lessonsWorld.ts";
import type { Samples } from "./metricSamples.ts";

/** `different`: one of these kinds of differences. `shadow_failed`: it did not answer. */
export interface ExpectedFault {
  readonly fault: string;
  readonly as: "different" | "shadow_failed";
  readonly kinds?: readonly string[];
  /** What shows it: calls, a lesson, two sockets on a board, the state of both stores, a board again, a write again, another's session. */
  readonly by: "calls" | "lesson" | "board" | "state" | "reconnect" | "twice" | "foreign";
}

const different = (by: ExpectedFault["by"], kinds: string, ...faults: readonly string[]): ExpectedFault[] =>
  faults.map((fault) => ({ fault, as: "different", by, kinds: kinds.split(" ") }));
const failed = (by: ExpectedFault["by"], ...faults: readonly string[]): ExpectedFault[] =>
  faults.map((fault) => ({ fault, as: "shadow_failed", by }));

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
  ...different("lesson", "value type missing status extra", "prompt-change", "extra-model-call"),
  ...different("lesson", "status missing", "refuse-handshake", "accept-close", "close-1011"),
  ...different("board", "missing value extra type", "lost-yjs-update", "corrupt-yjs"),
  ...different("state", "value missing status order", "lost-write", "stale-read"),
  ...different("reconnect", "missing value extra type", "unsaved-yjs-update"),
  ...different("twice", "value status missing order extra", "double-effect"),
  ...different("foreign", "status", "skip-ownership"),
  ...failed("calls", "reset", "hang"),
];

/** Boards that are apart are told of after ten seconds of quiet (shadow L4). */
const BOARD_MS = 12_500;
const RACE_MS = 2_500;
const issuer = createIssuer(TEST_SECRET);

function deltas(before: Samples, after: Samples): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, label] of [
    ["comparisons_total", "verdict"],
    ["differences_total", "kind"],
  ] as const) {
    const [one, other] = [before.by(name, label), after.by(name, label)];
    for (const [key, count] of Object.entries(other)) {
      const more = count - (one[key] ?? 0);
      if (more > 0) found[`${label}:${key}`] = more;
    }
  }
  return found;
}

/** Gives what was counted, and how many exchanges it took. @throws when it is not found as expected */
export async function findFault(
  world: LessonsWorld,
  shadow: "control" | "candidate",
  expected: ExpectedFault,
): Promise<string> {
  const { fault, as, kinds = [], by } = expected;
  const known = (await world.metrics()).sum("groups");
  const student = new Student(world, issuer.user());
  await student.arrive();
  await eventually(
    async () => {
      const groups = await world.metrics();
      assert.equal(groups.sum("groups", { state: "waiting" }), 0, "the student is seeded");
      assert.ok(groups.sum("groups") > known, "the student is known");
    },
    15_000,
    200,
  );
  const before = await world.settled();
  await world.setFaults(shadow, fault);
  try {
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
    const found = await eventually(
      async () => {
        const now = deltas(before, await world.metrics());
        const isFound = (now[`verdict:${as}`] ?? 0) > 0;
        assert.ok(isFound, `${fault} is not found: ${JSON.stringify(now)}`);
        return now;
      },
      by === "calls" || by === "lesson" ? 8_000 : 25_000,
      250,
    );
    if (as === "different") {
      assert.ok(
        kinds.some((kind) => (found[`kind:${kind}`] ?? 0) > 0),
        `${fault}: ${JSON.stringify(found)}`,
      );
    }
    return `${fault}: ${JSON.stringify(found)}`;
  } finally {
    await world.setFaults(shadow, "");
  }
}
