import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../config/index.ts";
import { openSqliteEvidence } from "../shadow/index.ts";
import { ShadowReportThread } from "./shadowReports.ts";

const CONFIG = `
arms:
  control: { backend: legacy, urls: ["http://127.0.0.1:1"] }
  candidate: { backend: convex, urls: ["http://127.0.0.1:2"] }
units: { notes: { routes: [GET /notes] } }
identity: { jwt: { algorithms: [HS256], secretEnv: JWT_SECRET_KEY } }
shadow: { sample: 5% }
`;

test("reports are made beside the loop that serves, of the evidence as it is, and refusals say why", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-reports-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "switchyard.config.yaml");
  writeFileSync(file, `${CONFIG}stateDir: ${dir}\n`);
  const { config } = loadConfig({ file, env: { JWT_SECRET_KEY: "s".repeat(48) } });
  const reports = new ShadowReportThread(() => config);
  t.after(() => reports.close());
  const all = { unit: null, campaign: null, sinceMs: null };
  const none = await reports.report(all);
  assert.ok(!none.isFound && none.isThere);
  assert.match(none.detail, /no evidence of the shadow/);
  const store = openSqliteEvidence(join(dir, "shadow-0.sqlite3"));
  const startedMs = 1_700_000_040_000;
  const known = { process: "p", minute: startedMs / 60_000, route: "GET /notes" };
  await store.save({
    campaign: { id: "c0ffee", unit: "notes", controlBuild: "1", candidateBuild: "2", rulesHash: "r", startedMs },
    process: "p",
    atMs: startedMs + 1_000,
    minutes: [
      { ...known, sampled: 7, verdicts: { identical: 7 }, notCompared: {}, latency: { control: {}, candidate: {} } },
    ],
    families: [],
    samples: [],
    groups: null,
  });
  t.after(() => store.close());
  const [found, other] = await Promise.all([reports.report(all), reports.report({ ...all, unit: "orders" })]);
  assert.ok(found.isFound);
  const { head, schemaVersion } = JSON.parse(found.text) as { head: { compared: number }; schemaVersion: number };
  assert.deepEqual([head.compared, schemaVersion, found.contentType], [7, 2, "application/json"]);
  assert.ok(!other.isFound && other.isThere);
  const asked = Array.from({ length: 12 }, () => reports.report(all));
  const answers = await Promise.all(asked);
  const told = answers.map((one) => (one.isFound ? one.text === found.text : one.detail));
  assert.deepEqual(
    told.slice(0, 8),
    Array.from({ length: 8 }, () => true),
  );
  assert.ok(told.slice(8).every((one) => /asked for already/.test(String(one))));
});
