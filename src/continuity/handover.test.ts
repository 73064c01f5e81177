import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Arm } from "../kernel/index.ts";
import {
  type Changing,
  type Handover,
  type HandoverEffect,
  type HandoverEvent,
  reduceHandover,
  settledOn,
} from "./handover.ts";

const wanted = (to: Arm, more: Partial<Extract<HandoverEvent, { type: "wanted" }>> = {}): HandoverEvent => ({
  type: "wanted",
  to,
  isMovable: true,
  isFromUp: true,
  processes: [1, 2],
  round: 7,
  ...more,
});

/** Plays events one after the other, each at its moment; gives the last state and all effects. */
function play(first: Handover, events: readonly (readonly [atMs: number, HandoverEvent])[]) {
  let state = first;
  const effects: HandoverEffect[] = [];
  for (const [atMs, event] of events) {
    const [next, more] = reduceHandover(state, event, atMs);
    state = next;
    effects.push(...more);
  }
  return { state, effects, types: effects.map(({ type }) => type) };
}

const quiet = (process: number, round = 7): HandoverEvent => ({ type: "quiet", process, round });
const held = (process: number, round = 7): HandoverEvent => ({ type: "held", process, round });
const DEADLINE: HandoverEvent = { type: "deadline" };

test("forward: every process is quiet, then holds, then the data follows, then the seat changes", () => {
  const { state, types, effects } = play(settledOn("control"), [
    [0, wanted("candidate")],
    [1, quiet(1)],
    [2, quiet(1)],
    [3, quiet(2)],
    [4, held(2)],
    [5, held(1)],
    [6, { type: "carried", round: 7 }],
  ]);
  assert.deepEqual(types, ["settle", "hold", "carry", "commit"]);
  assert.deepEqual(effects.at(-1), { type: "commit", arm: "candidate", isForced: false, isBehind: false });
  assert.deepEqual(state, settledOn("candidate"));
});

test("without a process that serves, or when the last one is gone, nobody is waited for", () => {
  const alone = play(settledOn("control"), [[0, wanted("candidate", { processes: [] })]]);
  assert.deepEqual(alone.types, ["settle", "hold", "carry"]);
  const gone = play(settledOn("control"), [
    [0, wanted("candidate")],
    [1, quiet(2)],
    [2, { type: "processGone", process: 1 }],
    [3, held(2)],
  ]);
  assert.deepEqual(gone.types, ["settle", "hold", "carry"]);
});

test("a process that joins in between takes part from the next phase on", () => {
  const { state, types } = play(settledOn("control"), [
    [0, wanted("candidate", { processes: [1] })],
    [1, { type: "processJoined", process: 3 }],
    [2, quiet(1)],
    [3, held(1)],
  ]);
  assert.deepEqual(types, ["settle", "hold"]);
  assert.deepEqual((state as Changing).waitingFor, [3]);
});

test("forward is put off when something stays open, when the data does not come, and when it was never copied", () => {
  const busy = play(settledOn("control"), [
    [0, wanted("candidate")],
    [14_999, DEADLINE],
    [15_000, DEADLINE],
  ]);
  assert.deepEqual(busy.effects.at(-1), { type: "putOff", why: "busy", arm: "control", stayMs: 5_000 });
  const uncarried = play(busy.state, [
    [20_000, wanted("candidate", { round: 8 })],
    [20_001, quiet(1, 8)],
    [20_001, quiet(2, 8)],
    [20_002, held(1, 8)],
    [20_002, held(2, 8)],
    [20_003, { type: "carryFailed", round: 8 }],
  ]);
  assert.deepEqual(uncarried.effects.at(-1), { type: "putOff", why: "carry-failed", arm: "control", stayMs: 30_000 });
  const never = play(uncarried.state, [[60_000, wanted("candidate", { isMovable: false })]]);
  assert.deepEqual(never.effects, [
    { type: "putOff", why: "not-copied", arm: "control", stayMs: 60_000 },
    { type: "copy", from: "control" },
  ]);
  assert.deepEqual(play(never.state, [[60_001, wanted("candidate")]]).effects, [], "not before its time");
  assert.deepEqual(play(never.state, [[60_001, wanted("control")]]).state, settledOn("control"));
});

test("back happens whatever fails: after its time without waiting, without the data when it does not come", () => {
  const { types, effects, state } = play(settledOn("candidate"), [
    [0, wanted("control")],
    [74_999, DEADLINE],
    [75_000, DEADLINE],
    [77_000, DEADLINE],
    [79_000, DEADLINE],
  ]);
  assert.deepEqual(types, ["settle", "hold", "carry", "commit"]);
  assert.deepEqual(effects.at(-1), { type: "commit", arm: "control", isForced: true, isBehind: true });
  assert.deepEqual(state, settledOn("control"));
});

test("an arm that is gone is not waited for, from the beginning or from when it is known", () => {
  const gone = play(settledOn("candidate"), [[0, wanted("control", { isFromUp: false })]]);
  assert.deepEqual(gone.types, ["hold"]);
  const later = play(settledOn("candidate"), [
    [0, wanted("control")],
    [1, wanted("control", { isFromUp: false, round: 8 })],
  ]);
  assert.deepEqual(later.types, ["settle", "hold"]);
  assert.equal((later.effects[1] as { isForced: boolean }).isForced, true);
});

test("a newer decision takes the change back in every phase, and it may begin again at once", () => {
  const steps: readonly (readonly [number, HandoverEvent])[] = [
    [0, wanted("candidate")],
    [1, quiet(1)],
    [1, quiet(2)],
    [2, held(1)],
    [2, held(2)],
  ];
  for (const upTo of [1, 3, 5]) {
    const { state, effects } = play(settledOn("control"), [
      ...steps.slice(0, upTo),
      [9, wanted("control")],
      [9, { type: "carried", round: 7 }],
    ]);
    assert.deepEqual(effects.at(-1), { type: "putOff", why: "withdrawn", arm: "control", stayMs: 0 });
    assert.deepEqual(play(state, [[10, wanted("candidate", { round: 8 })]]).types, ["settle"]);
  }
});

test("answers of an older round, and of a process that does not take part, change nothing", () => {
  const begun = play(settledOn("control"), [[0, wanted("candidate")]]).state;
  for (const event of [quiet(1, 6), held(1), quiet(9), { type: "carried", round: 7 } as const]) {
    assert.deepEqual(reduceHandover(begun, event, 1), [begun, []]);
  }
  const holding = play(begun, [
    [1, quiet(1)],
    [1, quiet(2)],
  ]).state;
  for (const event of [held(1, 6), quiet(1)]) assert.deepEqual(reduceHandover(holding, event, 2), [holding, []]);
});

/** The data follows only when nobody is left to be waited for. */
function isLastAnswer(before: Handover, event: HandoverEvent): boolean {
  if (before.phase === "settled" || !("process" in event)) return false;
  return before.phase === "holding" && before.waitingFor.every((one) => one === event.process);
}

test("whatever happens in whatever order: one commit a change at most, only after all held, and every change ends", () => {
  const process = fc.integer({ min: 1, max: 3 });
  const arm = fc.constantFrom<Arm>("control", "candidate");
  const event = fc.oneof(
    fc.record({
      type: fc.constant("wanted" as const),
      to: arm,
      isMovable: fc.boolean(),
      isFromUp: fc.boolean(),
      processes: fc.constant([1, 2, 3]),
    }),
    fc.record({ type: fc.constantFrom("quiet" as const, "held" as const), process, isStale: fc.boolean() }),
    fc.record({ type: fc.constantFrom("carried" as const, "carryFailed" as const), isStale: fc.boolean() }),
    fc.record({ type: fc.constantFrom("processGone" as const, "processJoined" as const), process }),
    fc.record({ type: fc.constant("deadline" as const), afterMs: fc.integer({ min: 1, max: 80_000 }) }),
  );
  fc.assert(
    fc.property(arm, fc.array(event, { maxLength: 60 }), (first, events) => {
      let state: Handover = settledOn(first);
      let [round, nowMs] = [0, 0];
      for (const one of events) {
        const before: Handover = state;
        const isStale = "isStale" in one && one.isStale;
        const current = before.phase === "settled" ? 0 : before.round;
        if (one.type === "wanted") round += 1;
        if (one.type === "deadline") nowMs += one.afterMs;
        const sent = {
          ...one,
          round: one.type === "wanted" ? round : isStale ? current - 1 : current,
        } as HandoverEvent;
        const [next, effects] = reduceHandover(before, sent, nowMs);
        state = next;
        for (const effect of effects) {
          if (effect.type === "carry") {
            const { isForced, processes } = state as Changing;
            assert.ok(isLastAnswer(before, sent) || isForced || processes.length === 0);
          }
          if (effect.type !== "commit") continue;
          assert.equal(before.phase, "carrying");
          assert.deepEqual(state, settledOn(effect.arm));
          if (effect.arm === "candidate") assert.ok(!effect.isBehind && !effect.isForced);
        }
      }
      for (let left = 0; state.phase !== "settled"; left++) {
        assert.ok(left < 4, "every phase has a deadline");
        [state] = reduceHandover(state, DEADLINE, (nowMs += 80_000));
      }
    }),
    { numRuns: 500 },
  );
});
