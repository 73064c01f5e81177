import assert from "node:assert/strict";
import { compareTurns, type MessageFinding } from "../conversation/compareMessages.ts";
import { LegRecorder } from "../conversation/legRecorder.ts";
import type { Side, TurnFindings } from "../conversation/turnFold.ts";
import { DEFECTS, LAG_MS, type LabelledPair, labelledPairs, STATES_OF } from "./conversations.ts";
import { frameOf, talkCodec, talkComparer } from "./talkCodec.ts";

const MEASURE_MIN = 0.99;

/** Everything that happened on one leg, in its order. */
export function replayLeg(pair: LabelledPair, side: Side): LegRecorder {
  const leg = new LegRecorder(talkCodec, 0, LAG_MS);
  const client = pair.client.map(({ atMs, id }) => ({ atMs, run: () => void leg.sent(frameOf({ id }), atMs) }));
  const arm = pair[side].map(({ atMs, frame }) => ({ atMs, run: () => void leg.received(frameOf(frame), atMs) }));
  for (const { run } of [...client, ...arm].sort((one, other) => one.atMs - other.atMs)) run();
  leg.close();
  return leg;
}

/** All turns of a pair, from what both arms said. */
export function findTurns(pair: LabelledPair): readonly TurnFindings[] {
  const [control, candidate] = [replayLeg(pair, "control").messages(), replayLeg(pair, "candidate").messages()];
  return compareTurns(control, candidate, talkComparer, pair.client.length);
}

/** Findings that say something, in a pair's turns. */
function judge(pair: LabelledPair) {
  const { defect } = pair;
  const found = findTurns(pair)
    .flatMap(({ findings }) => findings)
    .filter(({ state }) => state !== "matched");
  // What comes behind the end of a turn is said in the next one.
  const isRight = ({ state, turn }: MessageFinding): boolean =>
    defect !== null && STATES_OF[defect.kind].includes(state) && turn >= defect.turn && turn <= defect.turn + 1;
  const right = found.filter(isRight).length;
  const families = new Set(
    found.flatMap(({ type, differences }) =>
      differences.map(
        ({ template, kind, control: one, candidate: other }) => `${type} ${template} ${kind} ${one} ${other}`,
      ),
    ),
  );
  return { defect, isPipelined: pair.isPipelined, right, wrong: found.length - right, families: families.size };
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
    for (const isPipelined of [true, false]) {
      const of = damaged.filter((one) => one.defect?.kind === kind && one.isPipelined === isPipelined);
      const missed = of.filter((one) => one.right === 0).length;
      const wrong = of.filter((one) => one.wrong > 0).length;
      assert.ok(
        missed <= of.length * 0.02 && wrong <= of.length * 0.02,
        `${kind}${isPipelined ? ", pipelined" : ""}: of ${of.length} ${missed} missed, ${wrong} beside it`,
      );
    }
  }
  assert.ok(recall >= MEASURE_MIN, `recall ${recall}`);
  assert.ok(precision >= MEASURE_MIN, `precision ${precision}`);
  assert.equal(familiesMedian, 1);
  return { precision, recall, familiesMedian };
}
