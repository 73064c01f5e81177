import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DocumentVerdict } from "./checkDocuments.ts";
import { type DocumentLadder, dueAtMs, isOver, type LadderEvent, startLadder, stepLadder } from "./ladder.ts";

const IDENTICAL: DocumentVerdict = { name: "identical" };
const LAGGING: DocumentVerdict = { name: "lagging", differences: [], normalisers: [] };
const DIFFERENT: DocumentVerdict = {
  name: "different",
  severity: "breaking",
  differences: [],
  normalisers: [],
  notes: [],
};
const TOO_LARGE: DocumentVerdict = { name: "not_compared", reason: "body_too_large" };
const CUT: DocumentVerdict = { name: "not_compared", reason: "served_aborted" };

const frame = (atMs: number, bytes = 10, leg = { frames: 1, bytes }): LadderEvent => ({
  type: "frame",
  atMs,
  bytes,
  leg,
});
const tick = (atMs: number): LadderEvent => ({ type: "tick", atMs });
const checked = (atMs: number, check: number, verdict: DocumentVerdict): LadderEvent => ({
  type: "checked",
  atMs,
  check,
  verdict,
});

/** The state after events, and what each of them made it do. */
function run(...events: readonly LadderEvent[]): { state: DocumentLadder; done: readonly string[] } {
  let state = startLadder(0);
  const done: string[] = [];
  for (const event of events) {
    const [next, effects] = stepLadder(state, event);
    state = next;
    done.push(effects.map((effect) => effect.do).join("+"));
  }
  return { state, done };
}

test("checks after two seconds of quiet, not before", () => {
  const { state, done } = run(frame(100), frame(1_000), tick(2_999), tick(3_000));
  assert.deepEqual(done, ["", "", "", "check"]);
  assert.equal(dueAtMs(state), null);
  assert.equal(dueAtMs(run(frame(100), frame(1_000)).state), 3_000);
  assert.equal(dueAtMs(run().state), null);
});

test("checks after 500 frames or 8 MiB of one leg, 32 MiB of all, and after a minute without quiet", () => {
  const MIB = 1_048_576;
  assert.equal(run(frame(0, 10, { frames: 500, bytes: 10 })).done.at(-1), "check");
  assert.equal(run(...Array.from({ length: 900 }, () => frame(0, 10, { frames: 499, bytes: 10 }))).done.at(-1), "");
  assert.equal(run(frame(0, 8 * MIB)).done.at(-1), "check");
  const legs = Array.from({ length: 8 }, () => frame(0, 4 * MIB));
  assert.deepEqual(run(...legs).done.slice(-2), ["", "check"]);
  const slow = Array.from({ length: 100 }, (_, at) => frame(at * 1_000));
  assert.equal(run(...slow).done.indexOf("check"), 60);
});

test("is lagging until ten seconds after the last frame, then what the check says", () => {
  const open = run(frame(0), tick(2_000), checked(2_000, 1, LAGGING));
  assert.equal(open.state.phase, "lagging");
  assert.equal(dueAtMs(open.state), 10_000);
  const lagging = [frame(0), tick(2_000), checked(2_000, 1, LAGGING)];
  const caughtUp = run(...lagging, frame(3_000), tick(5_000), checked(5_000, 2, IDENTICAL));
  assert.equal(caughtUp.state.phase, "converged");
  const later = run(...lagging, tick(9_999), tick(10_000), checked(10_000, 2, DIFFERENT));
  assert.deepEqual(later.done.slice(3), ["", "check", "verdict+drop"]);
  assert.equal(later.state.phase, "diverged");
});

test("says nothing more of a document that has diverged, until it is closed", () => {
  const over = [frame(0), tick(2_000), checked(2_000, 1, DIFFERENT)];
  const { state, done } = run(...over, frame(3_000), tick(60_000), { type: "empty", atMs: 70_000 });
  assert.deepEqual(done.slice(3), ["", "", "end"]);
  assert.equal(state.phase, "diverged");
  assert.equal(run(frame(0), tick(2_000), checked(2_000, 1, TOO_LARGE)).state.phase, "lost");
});

test("checks when the last one leaves, and ends with what it says", () => {
  const leave: LadderEvent = { type: "empty", atMs: 500 };
  assert.deepEqual(run(frame(0), leave, checked(500, 1, IDENTICAL)).done, ["", "check", "verdict+end"]);
  assert.deepEqual(run(frame(0), leave, checked(500, 1, CUT)).done.at(-1), "verdict+end");
  assert.deepEqual(run(leave).done, ["end"]);
  const waiting = run(frame(0), leave, checked(500, 1, LAGGING), tick(10_000), checked(10_000, 2, DIFFERENT));
  assert.deepEqual(waiting.done.slice(2), ["", "check", "verdict+drop+end"]);
});

test("ignores the answer to an older check", () => {
  const { state, done } = run(frame(0), tick(2_000), checked(2_000, 7, DIFFERENT), checked(2_001, 1, IDENTICAL));
  assert.deepEqual(done.slice(2), ["", "verdict"]);
  assert.equal(state.phase, "converged");
  assert.deepEqual(run(checked(5, 0, DIFFERENT)).done, [""]);
});

test("a document with more sockets than are followed is given up once", () => {
  const refused: LadderEvent = { type: "refused", atMs: 5 };
  assert.deepEqual(run(refused, refused).done, ["verdict+drop", ""]);
});

test("whatever happens: one check at a time, one terminal verdict, and never due in a phase that is over", () => {
  const event = fc.oneof(
    fc
      .record({ frames: fc.nat({ max: 600 }), bytes: fc.nat({ max: 9_000_000 }) })
      .map((leg) => ({ type: "frame" as const, bytes: leg.bytes, leg })),
    fc.record({ type: fc.constantFrom("tick" as const, "empty" as const, "refused" as const) }),
    fc.record({
      type: fc.constant("checked" as const),
      verdict: fc.constantFrom(IDENTICAL, LAGGING, DIFFERENT, TOO_LARGE, CUT),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat({ max: 4_000 })), { maxLength: 60 }), (events) => {
      let [state, atMs, dropped, checking] = [startLadder(0), 0, 0, false];
      for (const [one, waitMs] of events) {
        atMs += waitMs;
        const wasChecking = checking;
        const [next, effects] = stepLadder(state, { ...one, atMs, check: state.check } as LadderEvent);
        for (const effect of effects) {
          if (effect.do === "check") assert.ok(!wasChecking || one.type === "checked");
          if (effect.do === "drop") dropped += 1;
        }
        checking = next.isChecking;
        state = next;
        if (isOver(state)) assert.equal(dueAtMs(state), null);
      }
      assert.ok(dropped <= 1);
      assert.equal(dropped === 1, isOver(state));
    }),
  );
});
