import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageFinding } from "./compareMessages.ts";
import { type ConversationFacts, judgeConversation, type LegEnd } from "./judge.ts";

const finding = (turn: number, differing: boolean): MessageFinding => ({
  state: differing ? "changed" : "matched",
  lane: "turns",
  type: "envelope",
  turn,
  control: turn,
  candidate: turn,
  differences: differing
    ? [
        {
          template: "$.a",
          path: "$.a",
          kind: "value",
          severity: "value",
          control: "text",
          candidate: "text",
          count: 1,
          acceptedBy: null,
        },
      ]
    : [],
});

const end = (code: number, by: "client" | "arm" = "client", isHalfOpen = false): LegEnd => ({ code, by, isHalfOpen });

const judge = (more: Partial<ConversationFacts>) =>
  judgeConversation({
    findings: [],
    turns: [{ changesState: true }, { changesState: false }, { changesState: true }, { changesState: true }],
    control: end(1000),
    candidate: end(1000),
    ignoredCodes: new Set([1012, 4001]),
    ...more,
  });

const names = (more: Partial<ConversationFacts>): string => {
  const { turns, close } = judge(more);
  return [...turns, close].map((one) => (one.name === "not_compared" ? one.reason : one.name)).join(" ");
};

test("shadow C8: behind the first mismatch that changed state nothing is compared, a mismatch of a read ends nothing", () => {
  const all = (...differing: readonly number[]) =>
    [0, 1, 2, 3, 4].map((turn) => finding(turn, differing.includes(turn)));
  assert.equal(names({ findings: all() }), "identical identical identical identical identical identical");
  assert.equal(names({ findings: all(2) }), "identical identical different identical identical identical");
  assert.equal(names({ findings: all(3) }), "identical identical identical different diverged diverged");
  assert.equal(names({ findings: all(0, 1, 4) }), "different different diverged diverged diverged diverged");
  assert.deepEqual(
    [judge({ findings: all(2, 3) }).firstDivergence, judge({ findings: all(2) }).isDiverged],
    [2, false],
  );
});

test("paths are told with the type of their message", () => {
  const [, verdict] = judge({ findings: [finding(1, true)] }).turns;
  assert.ok(verdict?.name === "different");
  assert.equal(verdict.differences[0]?.template, "message:envelope $.a");
});

test("shadow C7: codes of closes, who closed and half-open legs; what a proxy closed is not compared", () => {
  const close = (control: LegEnd | null, candidate: LegEnd | null): string => judge({ control, candidate }).close.name;
  assert.equal(close(end(1000), end(1005)), "identical");
  assert.equal(close(end(1000), end(1011)), "different");
  assert.equal(close(end(1000, "client"), end(1000, "arm")), "different");
  assert.equal(close(end(1000), end(1006, "arm", true)), "different");
  assert.equal(close(end(1000), null), "different");
  assert.equal(close(null, null), "identical");
  assert.equal(close(end(1012, "arm"), end(1011, "arm")), "identical");
});
