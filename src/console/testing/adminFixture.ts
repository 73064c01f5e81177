import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFlagControl, type FlagControl } from "../../flags/index.ts";
import { systemClock } from "../../kernel/index.ts";
import { createAdmin } from "../admin.ts";
import type { AdminChange, AdminPorts, UnitArmTotals, UnitInfo } from "../ports.ts";

/** A real listener with real flags in a temporary state folder; only what the proxy would tell is given by the test. */
export interface AdminFixture {
  readonly url: string;
  readonly port: number;
  readonly stateDir: string;
  readonly flags: FlagControl;
  readonly changes: readonly AdminChange[];
  readonly failures: readonly unknown[];
  readonly operateTokenFile: string | null;
  close(): Promise<void>;
}

export interface FixtureOptions {
  readonly viewToken?: string;
  readonly operateToken?: string;
  readonly host?: string;
  readonly isReady?: boolean;
  readonly isMetricsOpen?: boolean;
  readonly stateDir?: string;
  readonly ports?: Partial<AdminPorts>;
}

export const FIXTURE_UNITS: readonly UnitInfo[] = [
  {
    id: "tutoring",
    flag: "switchyard.tutoring",
    fixed: null,
    routes: ["GET /api/v1/sessions/:id", "WS /ws/v2/session/:id"],
  },
  { id: "accounts", flag: "switchyard.accounts", fixed: "control", routes: ["POST /api/auth/login"] },
];

export async function startAdminFixture(options: FixtureOptions = {}): Promise<AdminFixture> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), "switchyard-admin-")));
  const flags = createFlagControl({
    flags: { source: "file", file: join(stateDir, "flags.json") },
    units: FIXTURE_UNITS,
    stateDir,
    env: {},
    clock: systemClock,
    onProblem: () => undefined,
  });
  await flags.start();
  const changes: AdminChange[] = [];
  const failures: unknown[] = [];
  const admin = createAdmin({
    admin: {
      listen: { host: options.host ?? "127.0.0.1", port: 0 },
      viewToken: options.viewToken ?? null,
      operateToken: options.operateToken ?? null,
      isMetricsOpen: options.isMetricsOpen ?? true,
    },
    stateDir,
    ports: { ...portsFor(flags, changes, options.isReady ?? true), ...options.ports },
    clock: systemClock,
    onFailure: (error) => failures.push(error),
  });
  const address = await admin.listen();
  return {
    url: address.url,
    port: address.port,
    stateDir,
    flags,
    changes,
    failures,
    operateTokenFile: address.operateTokenFile,
    async close() {
      await admin.close();
      await flags.stop();
      if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true });
    },
  };
}

function portsFor(flags: FlagControl, changes: AdminChange[], isReady: boolean): AdminPorts {
  return {
    version: "0.1.0",
    flags,
    data: null,
    shadow: null,
    samples: { remove: async () => ({ samples: 0, campaigns: 0, left: [] }) },
    units: FIXTURE_UNITS,
    matchRoute: (method, path) => {
      if (method === "GET" && /^\/api\/v1\/sessions\/[^/]+$/.test(path))
        return { route: "GET /api/v1/sessions/:id", unit: "tutoring", fixed: null };
      if (method === "WS" && /^\/ws\/v2\/session\/[^/]+$/.test(path))
        return { route: "WS /ws/v2/session/:id", unit: "tutoring", fixed: null };
      if (path === "/api/auth/login") return { route: "POST /api/auth/login", unit: "accounts", fixed: "control" };
      return null;
    },
    nearestRoute: () => "GET /api/v1/sessions/:id",
    socketsOf: async (subject) =>
      subject === "u_81"
        ? [
            {
              route: "WS /ws/v2/session/:id",
              unit: "tutoring",
              arm: "control",
              ageMs: 4_000,
              decision: { arm: "control", reason: "flag-off", ruleId: "unit:tutoring@0", epoch: 1 },
            },
          ]
        : [],
    arms: async () => [
      {
        arm: "control",
        backend: "legacy",
        instances: [{ url: "http://127.0.0.1:8001", isReady: true, sinceMs: Date.now() }],
      },
      {
        arm: "candidate",
        backend: "convex",
        instances: [{ url: "http://127.0.0.1:8002", isReady: false, sinceMs: Date.now() }],
      },
    ],
    metricsText: async () => ({ contentType: "text/plain; version=0.0.4", text: "switchyard_build_info 1\n" }),
    totals: async () => [totalsRow("control"), totalsRow("candidate")],
    readiness: () => ({ isReady, checks: { configured: true, listening: true, flags: isReady, notDraining: true } }),
    configuration: () => ({
      file: "switchyard.config.yaml",
      hash: "9f2c",
      loadedAtMs: 1_700_000_000_000,
      refusedReload: null,
    }),
    hashSubject: (subject) => `hash-of-${subject.length}-characters`,
    record: (change) => void changes.push(change),
  };
}

const totalsRow = (arm: UnitArmTotals["arm"]): UnitArmTotals => ({
  unit: "tutoring",
  arm,
  requests: 0,
  errors: 0,
  sockets: arm === "control" ? 1 : 0,
  durationBuckets: [],
});
