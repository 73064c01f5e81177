import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageFinding } from "./compareMessages.ts";
import { type ConversationFacts, judgeConversation, type LegEnd } from "./judge.ts";
import type { TurnFindings } from "./turnFold.ts";
import { WholeRules } from "./wholeRules.ts";

const difference = {
  template: "$.a",
  path: "$.a",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "text",
  count: 1,
  acceptedBy: null,
} as const;

const plain = (turn: number, more: Partial<MessageFinding> = {}): MessageFinding => ({
  said: { control: null, candidate: null },
  state: "matched",
  lane: "turns",
  type: "envelope",
  turn,
  control: turn,
  candidate: turn,
  differences: [],
  isIdentical: true,
  normalisers: [],
  notes: [],
  ruleHits: new Map(),
  isApart: false,
  ...more,
});

const differing = (turn: number): MessageFinding =>
  plain(turn, { state: "changed", isIdentical: false, differences: [difference] });

const turnOf = (turn: number, ...findings: readonly MessageFinding[]): TurnFindings => {
  return { turn, findings, own: [], unaligned: 0, done: { control: [], candidate: [] } };
};

const end = (code: number, by: LegEnd["by"] = "client", isHalfOpen = false): LegEnd => ({ code, by, isHalfOpen });

const judge = (more: Partial<ConversationFacts>) =>
  judgeConversation({
    turns: [],
    changesState: [true, false, true, true],
    control: end(1000),
    candidate: end(1000),
    ignoredCodes: new Set([1012, 4001]),
    ...more,
  });

const names = (more: Partial<ConversationFacts>): string => {
  const { turns, close } = judge(more);
  return [...turns, close]
    .map(({ verdict }) => (verdict.name === "not_compared" ? verdict.reason : verdict.name))
    .join(" ");
};

test("shadow C8: behind the first mismatch that changed state nothing is compared, a mismatch of a read ends nothing", () => {
  const all = (...at: readonly number[]) =>
    [0, 1, 2, 3, 4].map((turn) => turnOf(turn, at.includes(turn) ? differing(turn) : plain(turn)));
  assert.equal(names({ turns: all() }), "identical identical identical identical identical identical");
  assert.equal(names({ turns: all(2) }), "identical identical different identical identical identical");
  assert.equal(names({ turns: all(3) }), "identical identical identical different diverged diverged");
  assert.equal(names({ turns: all(0, 1, 4) }), "different different diverged diverged diverged diverged");
  assert.deepEqual([judge({ turns: all(2, 3) }).firstDivergence, judge({ turns: all(2) }).isDiverged], [2, false]);
  assert.deepEqual([judge({ turns: all() }).name, judge({ turns: all(2) }).name], ["identical", "different"]);
});

test("shadow §7: only the same bytes are identical; what normalisers made equal is equivalent, with their names", () => {
  const similar = plain(1, { isIdentical: false, normalisers: ["num"] });
  const deltas = plain(1, { isIdentical: false, normalisers: ["deltas"] });
  const { turns, name } = judge({ turns: [turnOf(0), turnOf(1, similar, deltas, plain(1))] });
  const verdict = turns[1]?.verdict;
  assert.ok(verdict?.name === "equivalent");
  assert.deepEqual(verdict.normalisers, ["num", "deltas"]);
  assert.deepEqual([turns[0]?.verdict.name, turns[2]?.verdict.name, name], ["identical", "identical", "equivalent"]);
});

test("paths are told with the type of their message", () => {
  const verdict = judge({ turns: [turnOf(0), turnOf(1, differing(1))] }).turns[1]?.verdict;
  assert.ok(verdict?.name === "different");
  assert.equal(verdict.differences[0]?.template, "message:envelope $.a");
});

test("shadow C4: a conversation of which something was not kept is not compared at all", () => {
  const facts = { turns: [turnOf(0), turnOf(1, differing(1))], notCompared: "queue_full" } as const;
  assert.equal(names(facts), Array.from({ length: 6 }, () => "queue_full").join(" "));
  assert.equal(judge(facts).name, "not_compared");
});

test("S-2: codes of closes, who closed first and half-open legs; what a proxy closed is not compared", () => {
  const close = (control: LegEnd | null, candidate: LegEnd | null): string => {
    const { verdict } = judge({ control, candidate }).close;
    return verdict.name === "not_compared" ? verdict.reason : verdict.name;
  };
  assert.equal(close(end(1000), end(1000)), "identical");
  assert.equal(close(end(1000), end(1005)), "equivalent");
  assert.equal(close({ ...end(1000), hasReason: true }, end(1005)), "different");
  assert.equal(close({ ...end(1000), hasReason: true }, { ...end(1000), hasReason: true }), "identical");
  assert.equal(close(end(1000), end(1011)), "different");
  assert.equal(close(end(1000, "client"), end(1000, "arm")), "different");
  assert.equal(close(end(1000), end(1006, "arm", true)), "different");
  assert.equal(close(end(1006, "arm", true), end(1006, "arm", true)), "identical");
  assert.equal(close(end(1000), null), "different");
  assert.equal(close(null, null), "identical");
  assert.equal(close(end(1012, "proxy"), end(1011, "arm")), "rule");
  assert.equal(close(end(1012, "arm"), end(1011, "arm")), "different");
});

test("S-2: the reason of a close is not compared", () => {
  const bye = (hasReason: boolean) => ({ ...end(1011, "arm"), hasReason });
  assert.equal(judge({ control: bye(true), candidate: bye(false) }).close.verdict.name, "identical");
});

test("S-9: a close that a rule foresees is accepted, while it is rare", () => {
  const closeIs = (turns: number): string => {
    const whole = new WholeRules({
      surface: "tutor",
      rules: [
        {
          id: "S-9",
          owner: "contract",
          reason: "time",
          until: "contract",
          on: ["tutor"],
          message: "close",
          accept: "slow",
        },
      ],
      conditions: {
        slow: ({ control, candidate, turns }) =>
          isSlow(control) !== isSlow(candidate) && turns !== undefined && turns.accepted + 1 <= turns.compared / 1_000,
      },
      counts: { turns, hits: () => 1 },
      shadow: "candidate",
    });
    return judge({ control: end(1000), candidate: end(1013, "arm"), whole }).close.verdict.name;
  };
  assert.deepEqual([closeIs(1_999), closeIs(1_998)], ["accepted", "different"]);
});

const isSlow = (end: unknown): boolean => (end as { readonly code?: number } | null)?.code === 1013;

test("what an arm could not say, because its client had gone, is no difference", () => {
  const said = [{ sinceTurnMs: 4_000 }] as never;
  const open = (ms: number): Partial<ConversationFacts> => ({
    turns: [turnOf(0), { ...turnOf(1, differing(1)), done: { control: said, candidate: [] } }],
    changesState: [true],
    open: { control: null, candidate: (turn) => (turn === 1 ? ms : null) },
  });
  assert.equal(names(open(8_000)), "identical served_aborted identical");
  assert.equal(names(open(8_001)), "identical different diverged");
});
