import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, renderMetrics } from "../../metrics/index.ts";
import type { ShadowGauges } from "../threads/messages.ts";
import { Gauges } from "./gauges.ts";

const told = (more: Partial<ShadowGauges> = {}): ShadowGauges => ({
  families: [],
  divergedGroups: {},
  identityPairs: 0,
  documents: { converged: 0, lagging: 0, diverged: 0 },
  ratios: [],
  evidenceBytes: 0,
  evidenceDropped: {},
  missesDropped: 0,
  ...more,
});

test("what a thread has dropped is counted once, and a new thread counts from nothing", async () => {
  const metrics = createMetrics({ version: "1" });
  const gauges = new Gauges(metrics);
  const dropped = async (): Promise<readonly (string | undefined)[]> => {
    const text = await renderMetrics([await metrics.json()]);
    return ['evidence_dropped_total{reason="full"}', 'queue_dropped_total{queue="shadow_misses"}'].map(
      (name) =>
        text
          .split("\n")
          .find((line) => line.includes(name))
          ?.split(" ")[1],
    );
  };
  gauges.begin();
  for (const count of [2, 2, 5])
    gauges.show(told({ evidenceDropped: { full: count }, missesDropped: count }), [], false);
  assert.deepEqual(await dropped(), ["5", "5"]);
  gauges.begin();
  gauges.show(told({ evidenceDropped: { full: 1 }, missesDropped: 3 }), [], false);
  assert.deepEqual(await dropped(), ["6", "8"]);
});
