// Connections that are lost at random points (embedded-convex.md §9 goal 8), through the whole host.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { countThroughCuts } from "./testing/contractCuts.ts";
import { openProbes } from "./testing/contractProbes.ts";

const probes = await openProbes();
// Also when cleaning up fails: a host that still runs would keep this process.
after(() => probes.cleanUp().finally(() => probes.deployment.close()));

test("a thousand mutations over sockets that are cut again and again are each executed exactly once", {
  timeout: 20_000,
}, async (t) => {
  const options = { clients: 10, mutationsEach: 100, cutsMax: 300 };
  const { cuts, lostAnswers } = await countThroughCuts(probes, t, options);
  t.diagnostic(`${cuts} cuts, ${lostAnswers} of them lost an answer (seed ${probes.seed})`);
  assert.ok(cuts >= 30 && lostAnswers >= 5, "too few cuts to show anything");
});
