import assert from "node:assert/strict";
import { compareBodies } from "../compare/body.ts";
import { BodyRules } from "../compare/bodyRules.ts";
import { fingerprintOf } from "../compare/fingerprint.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import { compareMessages, type MessageComparer, type MessageFinding } from "../conversation/compareMessages.ts";
import { DEFECTS, type LabelledPair, labelledPairs, STATES_OF } from "./conversations.ts";

const RULES = new BodyRules([], NORMALISERS);
const CONTEXT = { delayMs: 0, nowMs: 0, shadow: "candidate" as const, conditions: {}, ids: null };

const COMPARER: MessageComparer = {
  fingerprint: ({ value }) => fingerprintOf(value, RULES.root, RULES, (text) => text),
  compare: (control, candidate) => compareBodies(control.value, candidate.value, RULES, CONTEXT),
  lagMs: 100,
};

const MEASURE_MIN = 0.99;

/** Findings that say something, in a pair's turns. */
function judge({ control, candidate, defect }: LabelledPair) {
  const found = compareMessages(control, candidate, COMPARER).filter(({ state }) => state !== "matched");
  const isRight = ({ state, turn }: MessageFinding): boolean =>
    defect !== null &&
    STATES_OF[defect.kind].includes(state) &&
    Math.abs(turn - defect.turn) <= (defect.kind === "late" ? 1 : 0);
  const right = found.filter(isRight).length;
  const families = new Set(
    found.flatMap(({ type, differences }) =>
      differences.map(
        ({ template, kind, control: one, candidate: other }) => `${type} ${template} ${kind} ${one} ${other}`,
      ),
    ),
  );
  return { defect, right, wrong: found.length - right, families: families.size };
}

/** shadow §17, row 9. Gives what was measured. */
export function proveCorpus(pairs: number, seed: number) {
  const judged = [...labelledPairs(pairs, seed)].map(judge);
  const damaged = judged.filter(({ defect }) => defect !== null);
  const right = damaged.filter((one) => one.right > 0);
  const flagged = judged.filter((one) => one.right + one.wrong > 0);
  const trulyFlagged = flagged.filter((one) => one.wrong === 0);
  const recall = right.length / damaged.length;
  const precision = trulyFlagged.length / flagged.length;
  const families = right.map((one) => one.families).sort((one, other) => one - other);
  const familiesMedian = families[families.length >> 1] ?? 0;
  for (const kind of DEFECTS) {
    const of = damaged.filter(({ defect }) => defect?.kind === kind);
    const missed = of.filter((one) => one.right === 0).length;
    const wrong = of.filter((one) => one.wrong > 0).length;
    assert.ok(
      missed <= of.length * 0.02 && wrong <= of.length * 0.02,
      `${kind}: of ${of.length} ${missed} missed, ${wrong} beside it`,
    );
  }
  assert.ok(recall >= MEASURE_MIN, `recall ${recall}`);
  assert.ok(precision >= MEASURE_MIN, `precision ${precision}`);
  assert.equal(familiesMedian, 1);
  return { precision, recall, familiesMedian };
}
