// The contract of hosts (embedded-convex.md §8): what the application relies on, asked over the URL by the official
// clients. Without CONVEX_URL of an embedded host started here; with it of that deployment, with its SWITCHYARD_ISSUER,
// SWITCHYARD_AUDIENCE and SWITCHYARD_SIGNING_KEY in the environment and PROBE_ENABLED=1 in its own.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { testFiles, testTokens } from "./testing/contractAccessCases.ts";
import { openProbes } from "./testing/contractProbes.ts";
import { testSubscriptions } from "./testing/contractSubscriptionCases.ts";
import { testJobs, testTransactions } from "./testing/contractTransactionCases.ts";
import { testValues } from "./testing/contractValueCases.ts";

const probes = await openProbes();
after(() => probes.deployment.close());

// A call that is never answered fails here, by its name, before the runner gives the whole file up.
suite("the contract of hosts", { timeout: 100_000 }, () => {
  testValues(probes);
  testTransactions(probes);
  testTokens(probes);
  testFiles(probes);
  testJobs(probes);
  testSubscriptions(probes);

  test("the suite leaves none of its rows behind", async () => {
    const runs = await probes.cleanUp();
    assert.ok(runs > 20);
    assert.equal(await probes.rowsLeft(), 0);
  });
});
