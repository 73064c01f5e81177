import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf, talkComparer } from "../testing/talkCodec.ts";
import { type ComparisonRule, ruleSchema } from "../rules/rule.ts";
import { compareTurns } from "./compareMessages.ts";
import { judgeConversation } from "./judge.ts";
import type { ArmMessage } from "./message.ts";
import type { AcceptCondition } from "../compare/bodyRules.ts";
import { TurnTally, WholeRules } from "./wholeRules.ts";

const rule = (more: object): ComparisonRule =>
  ruleSchema.parse({ id: "x", owner: "contract", reason: "time", until: "contract", on: ["talk"], ...more });

const codes = (value: unknown): boolean => JSON.stringify(value)?.includes("TIMEOUT") ?? false;
/** On one side only, and at most one turn in a thousand (contract differences.md S-9). */
const timing: AcceptCondition = ({ control, candidate, turns }) =>
  codes(control) !== codes(candidate) && turns !== undefined && turns.accepted + 1 <= turns.compared / 1_000;

function judge(
  rules: readonly ComparisonRule[],
  control: readonly ArmMessage[],
  candidate: readonly ArmMessage[],
  tally = new TurnTally(),
) {
  const whole = new WholeRules({ surface: "talk", rules, conditions: { timing }, counts: tally, shadow: "candidate" });
  const { turns } = judgeConversation({
    turns: compareTurns(control, candidate, { ...talkComparer, whole }, 3),
    changesState: [true, true, true],
    control: null,
    candidate: null,
    ignoredCodes: new Set(),
  });
  for (const { ruleHits } of turns) tally.count(ruleHits);
  return turns.map(({ verdict }) => (verdict.name === "not_compared" ? verdict.reason : verdict.name)).join(" ");
}

const plain = (turn: number): ArmMessage => messageOf(turn, { text: `turn ${turn}` });
const THREE = [1, 2, 3].map(plain);
const warning = messageOf(2, { message: "slow down" }, { type: "warning", lane: "warning", cause: "window" });
const known = (turns: number): TurnTally => {
  const tally = new TurnTally();
  for (let at = 0; at < turns; at++) tally.count(new Map());
  return tally;
};

test("S-13: a message that a rule names may be on one side only, and nothing else may", () => {
  const rules = [rule({ message: "warning", accept: true })];
  assert.equal(judge(rules, [...THREE, warning], THREE), "identical identical accepted identical");
  assert.equal(judge(rules, THREE, [...THREE, warning]), "identical identical accepted identical");
  assert.equal(judge([], [...THREE, warning], THREE), "identical identical different diverged");
  assert.equal(judge(rules, THREE.slice(0, 2), THREE), "identical identical identical different");
  const other = messageOf(2, { message: "stop" }, { type: "warning", lane: "warning", cause: "window" });
  assert.equal(judge(rules, [...THREE, warning], [...THREE, other]), "identical identical different diverged");
});

test("S-9: a limit that time decides is accepted on one side while it is rare; what follows cannot be the same", () => {
  const rules = [rule({ id: "S-9", message: "answer", accept: "timing" })];
  const late = THREE.with(1, messageOf(2, { code: "TURN_TIMEOUT" }));
  assert.equal(judge(rules, THREE, late, known(999)), "identical identical accepted diverged");
  assert.equal(judge(rules, late, THREE, known(999)), "identical identical accepted diverged");
  assert.equal(judge(rules, THREE, late, known(998)), "identical identical different diverged");
  assert.equal(judge(rules, late, late, known(999)), "identical identical identical identical");
  const tally = known(999);
  judge(rules, THREE, late, tally);
  assert.deepEqual(
    [tally.hits("S-9"), judge(rules, THREE, late, tally)],
    [1, "identical identical different diverged"],
  );
  const wrong = THREE.with(1, messageOf(2, { code: "OTHER" }));
  assert.equal(judge(rules, THREE, wrong, known(999)), "identical identical different diverged");
});

test("rules of other surfaces, with a path, or whose day has passed accept nothing; severities are raised", () => {
  const accepts = [
    rule({ on: ["other"], message: "warning", accept: true }),
    rule({ message: "warning", path: "$.x", accept: true }),
    rule({ message: "warning", accept: true, until: "1969-01-01" }),
    rule({ message: "warning", accept: true, kinds: ["order"] }),
  ];
  for (const one of accepts) assert.match(judge([one], [...THREE, warning], THREE), /different/);
  const whole = new WholeRules({
    surface: "talk",
    rules: [
      rule({ message: "m", severity: "breaking" }),
      rule({ id: "y", message: "n", ignore: "all" }),
      rule({ id: "z", message: "o", accept: "failing" }),
    ],
    conditions: { failing: () => assert.fail() },
    counts: new TurnTally(),
    shadow: "candidate",
  });
  const seen = { kind: "order", control: 1, candidate: 1, isChanged: false, nowMs: 0 } as const;
  assert.equal(whole.settle({ ...seen, type: "m" }).severity, "breaking");
  assert.equal(whole.settle({ ...seen, type: "n" }).isIgnored, true);
  assert.equal(whole.settle({ ...seen, type: "o" }).acceptedBy, null);
});
