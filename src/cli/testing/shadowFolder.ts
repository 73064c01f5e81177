// A folder with a configuration and evidence, as a running proxy would have written it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openSqliteEvidence } from "../../shadow/index.ts";
import { capture } from "./captured.ts";
import type { CliResult } from "./cliHarness.ts";

type Checkpoint = Parameters<ReturnType<typeof openSqliteEvidence>["save"]>[0];
type FamilyRow = Checkpoint["families"][number];

export const START_MS = Date.UTC(2026, 10, 20, 6);
const MINUTE_MS = 60_000;

const CONFIG = (stateDir: string, shadow: string): string => `listen: 127.0.0.1:0
arms:
  control: { backend: legacy, url: http://127.0.0.1:9 }
  candidate: { backend: rewrite, url: http://127.0.0.1:7 }
identity: { jwt: { algorithms: [HS256], secretEnv: JWT_SECRET_KEY } }
stateDir: ${stateDir}
units:
  orders: { routes: ["GET /orders/:id", "POST /orders", { match: "WS /events", codec: events }] }
  notes: { routes: ["GET /notes"] }
${shadow}`;

export interface ShadowFolder {
  readonly folder: string;
  readonly stateDir: string;
  write(name: string, text: string): string;
  ask(...args: readonly string[]): Promise<CliResult>;
  /** Another configuration from here on. */
  configure(shadow: string): void;
}

export function shadowFolder(t: TestContext, shadow = "shadow: { sample: 5% }\n"): ShadowFolder {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-shadow-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const stateDir = join(folder, "state");
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const configure = (text: string): void => void write("switchyard.config.yaml", CONFIG(stateDir, text));
  configure(shadow);
  const config = ["--config", join(folder, "switchyard.config.yaml")];
  const env = { JWT_SECRET_KEY: "s".repeat(48) };
  return { folder, stateDir, write, configure, ask: (...args) => capture([...args, ...config], { env }) };
}

export const family = (facts: Partial<FamilyRow>): FamilyRow => {
  const row = {
    route: "GET /orders/:id",
    template: "$.total",
    kind: "type" as const,
    severity: "breaking" as const,
    control: "integer" as string | null,
    candidate: "text" as string | null,
    state: "open" as const,
    differing: 4,
    groups: 2,
    confirmedBy: "breaking" as const,
    firstSeenMs: START_MS,
    lastSeenMs: START_MS + MINUTE_MS,
    firstBuild: "2.0",
    lastBuild: "2.0",
    isCarried: false,
    fixed: null,
    ...facts,
  };
  const name = JSON.stringify([row.route, row.template, row.kind, row.control, row.candidate]);
  return { name, memory: memoryOf(row), ...row };
};

let groups = 0;

/** Of so many groups that nobody else has seen. */
function memoryOf({
  groups: count,
  confirmedBy,
  isCarried,
  firstSeenMs,
  fixed,
}: Pick<FamilyRow, "groups" | "confirmedBy" | "isCarried" | "firstSeenMs" | "fixed">): FamilyRow["memory"] {
  const names = Array.from({ length: count }, () => (groups += 1).toString(16).padStart(12, "0"));
  const rechecks = { agreed: confirmedBy === "re-checks" ? 3 : 0, groups: ["a", "b"], isNoisy: false };
  return {
    offered: count,
    sinceMs: isCarried ? null : firstSeenMs,
    goneMs: fixed?.atMs ?? null,
    groups: `e${names.join("")}`,
    rechecks,
    isByTest: confirmedBy === "family-test",
  };
}

/** What is kept of one exchange: shapes, no values. */
export const bodyOf = (
  found: Pick<FamilyRow, "template" | "kind" | "severity" | "control" | "candidate">,
  [control, candidate]: readonly [unknown, unknown],
  { status = 200, path = found.template.replaceAll("[*]", "[0]") }: { status?: number; path?: string } = {},
): object => {
  const { template, kind, severity, control: one, candidate: other } = found;
  const side = (body: unknown): object => ({ status, headers: ["content-type"], body });
  const difference = { template, path, kind, severity, control: one, candidate: other };
  return { differences: [difference], control: side(control), candidate: side(candidate) };
};

export interface Stored {
  readonly unit?: string;
  readonly id?: string;
  readonly startedMs?: number;
  readonly rulesHash?: string;
  /** Of each route. */
  readonly identical?: Readonly<Record<string, number>>;
  readonly notCompared?: Checkpoint["minutes"][number]["notCompared"];
  readonly families?: readonly FamilyRow[];
  readonly samples?: Checkpoint["samples"];
  /** Redacted, one for each of the first samples. */
  readonly bodies?: { readonly key: Uint8Array; readonly of: readonly unknown[] };
  readonly groups?: Checkpoint["groups"];
}

/** One checkpoint of process `at`; its file stays open for writing until the test ends. */
export async function store(
  t: TestContext,
  { stateDir }: Pick<ShadowFolder, "stateDir">,
  at: number,
  stored: Stored,
): Promise<void> {
  await mkdir(stateDir, { recursive: true });
  const { bodies } = stored;
  const evidence = openSqliteEvidence(
    join(stateDir, `shadow-${at}.sqlite3`),
    bodies === undefined ? {} : { bodies: { key: bodies.key } },
  );
  t.after(() => evidence.close());
  const {
    unit = "orders",
    id = "c0ffee12",
    startedMs = START_MS,
    identical = {},
    families = [],
    samples = [],
  } = stored;
  const minute = Math.floor(startedMs / MINUTE_MS);
  const process = `process-${at}`;
  await evidence.save({
    campaign: { id, unit, controlBuild: "1.0", candidateBuild: "2.0", rulesHash: stored.rulesHash ?? "abc", startedMs },
    process,
    atMs: startedMs + MINUTE_MS,
    minutes: Object.entries(identical).map(([route, count]) => {
      const different = families.filter((one) => one.route === route).reduce((sum, one) => sum + one.differing, 0);
      const notCompared = stored.notCompared ?? {};
      const missing = Object.values(notCompared).reduce((sum, one) => sum + one, 0);
      const latency = { control: { 40: count }, candidate: { 41: count } };
      const verdicts = { identical: count, different };
      return { process, minute, route, sampled: count + different + missing, verdicts, notCompared, latency };
    }),
    families,
    samples,
    groups: stored.groups ?? null,
  });
  for (const [place, body] of (bodies?.of ?? []).entries()) {
    const sample = samples[place];
    if (sample !== undefined) await evidence.bodies?.save({ ...sample, campaign: id, process, body });
  }
}
