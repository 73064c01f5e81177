import assert from "node:assert/strict";
import { test } from "node:test";
import type { JudgedTurn } from "../conversation/judge.ts";
import type { MessageFinding } from "../conversation/finding.ts";
import { messageOf } from "../testing/talkCodec.ts";
import { turnTime } from "./turnTime.ts";

const DIFFERENT = { name: "different", severity: "value", differences: [], normalisers: [], notes: [] } as const;

const finding = (control: readonly [turn: number, atMs: number], candidate: typeof control | null): MessageFinding => ({
  state: "matched",
  lane: "talk",
  type: "answer",
  turn: control[0],
  control: 0,
  candidate: 0,
  said: {
    control: messageOf(control[0], "a", { atMs: control[1] }),
    candidate: candidate && messageOf(candidate[0], "a", { atMs: candidate[1] }),
  },
  differences: [],
  isIdentical: true,
  normalisers: [],
  notes: [],
  ruleHits: new Map(),
  isApart: false,
});

const of = (verdict: JudgedTurn["verdict"], ...findings: MessageFinding[]) => ({ turn: 2, findings, verdict });

test("a turn is at an arm until the last that the arm said in it, and the next one from there on", () => {
  const turn = of({ name: "identical" }, finding([2, 900], [2, 5_000]), finding([2, 950], [2, 4_000]));
  assert.deepEqual(turnTime(turn, "candidate", 3_000, 9_999), { fromMs: 3_000, toMs: 5_250, nextMs: 5_001 });
  assert.deepEqual(turnTime(turn, "control", 800, 9_999), { fromMs: 800, toMs: 1_200, nextMs: 951 });
});

test("a message of another turn, found late, is not of its time", () => {
  const turn = of(DIFFERENT, finding([2, 900], [2, 5_000]), finding([2, 900], [3, 8_000]));
  assert.deepEqual(turnTime(turn, "candidate", 3_000, 9_999), { fromMs: 3_000, toMs: 5_250, nextMs: 5_001 });
});

test("what should have been answered lasts until now, and where nothing was to be said no time passes", () => {
  const unanswered = of(DIFFERENT, finding([2, 900], null));
  assert.deepEqual(turnTime(unanswered, "candidate", 3_000, 9_000), { fromMs: 3_000, toMs: 9_250, nextMs: 9_001 });
  const { fromMs, toMs, nextMs } = turnTime(of({ name: "identical" }), "candidate", 3_000, 9_000);
  assert.deepEqual([fromMs, nextMs], [3_000, 3_000]);
  assert.ok(toMs < fromMs);
});
