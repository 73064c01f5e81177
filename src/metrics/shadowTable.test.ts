import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, renderMetrics } from "./index.ts";

const words = (text: string): readonly string[] => text.split(" ");
const VERDICTS = words("both_failed shadow_failed identical equivalent accepted noise transient different");
const REASONS = words(
  "queue_full tap_budget body_too_large unsafe_write no_target target_unsafe target_down circuit_open pressure budget " +
    "unseeded diverged identity no_codec external rule served_aborted engine_lost stopping",
);
const SEVERITIES = words("breaking value extra order cosmetic");
const KINDS = words("missing extra type value order status timing");
const ARMS = words("control candidate");

/** Everything that can be there at once. */
async function seriesAt(routes: number, units: number): Promise<number> {
  const metrics = createMetrics({ version: "1" });
  for (let at = 0; at < routes; at++) {
    const route = `GET /r${at}`;
    metrics.shadowSampled.of({ route }).count++;
    for (const verdict of VERDICTS) metrics.shadowComparisons.of({ route, verdict }).count++;
    for (const arm of ARMS) metrics.shadowDuration.of({ route, arm }).observe(0.01);
    metrics.shadowDifferentConfirmed.set({ route }, 0);
    metrics.shadowNoiseFloor.set({ route }, 0);
  }
  for (let at = 0; at < units; at++) {
    const unit = `u${at}`;
    metrics.shadowOffered.of({ unit }).count++;
    for (const reason of REASONS) metrics.shadowNotCompared.of({ unit, reason }).count++;
    for (const mode of words("read sandbox")) metrics.shadowCopies.inc({ unit, mode });
    for (const verdict of words("identical different diverged")) metrics.shadowStateChecks.inc({ unit, verdict });
    for (const state of words("waiting seeded diverged")) metrics.shadowGroups.set({ unit, state }, 1);
  }
  for (const kind of KINDS) for (const severity of SEVERITIES) metrics.shadowDifferences.inc({ kind, severity });
  for (const severity of SEVERITIES) {
    for (const state of words("open accepted fixed regressed")) metrics.shadowFamilies.set({ severity, state }, 1);
  }
  for (const surface of words("tutor whiteboard realtime conversations")) {
    for (const verdict of [...VERDICTS, "not_compared"]) metrics.shadowConversations.inc({ surface, verdict });
  }
  for (const state of words("converged lagging diverged")) metrics.shadowDocuments.set({ state }, 1);
  for (const reason of words("full lost redaction_failed")) metrics.shadowEvidenceDropped.inc({ reason });
  for (const outcome of words("hit joined miss failed live")) metrics.shadowCassette.inc({ outcome });
  for (const outcome of words("answered failed")) metrics.shadowRepeats.inc({ outcome });
  for (const arm of ARMS) metrics.shadowCircuit.set({ arm }, 0);
  metrics.shadowOfferSeconds.of({}).observe(0.00001);
  const text = await renderMetrics([await metrics.json()]);
  return text.split("\n").filter((line) => line.startsWith("switchyard_shadow_")).length;
}

test("shadow §15, 22: 2,000 series at 40 routes and 6 units, 35 for each further route", async () => {
  const at40 = await seriesAt(40, 6);
  assert.ok(at40 <= 2_000, `${at40} series`);
  const at200 = await seriesAt(200, 6);
  assert.ok(at200 - at40 <= 160 * 35, `${at200 - at40} series for 160 routes more`);
});
