import type { Readiness } from "./ports.ts";
import { addPin, clearKill, readKills, removePin, removeSamples, setFlag, setKill } from "./changing.ts";
import { copyData, readDataStatus, readSubjects, repairData, verifyData } from "./data.ts";
import { AdminError } from "./errors.ts";
import { readArms, readExplain, readFlags, readPins, type ReadingDeps, readStatus } from "./reading.ts";
import { readShadowReport } from "./shadow.ts";
import type { Grant, Need } from "./tokens.ts";
import { SCHEMA_VERSION } from "./views.ts";

export interface AdminCall {
  readonly query: (name: string) => string | undefined;
  readonly body: unknown;
  readonly grant: Grant;
}
export interface AdminAnswer {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: { readonly contentType: string; readonly text: string };
}
export interface AdminRoute {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly need: Need;
  /** Probes are not rate limited: a busy console may not make the process look dead. */
  readonly isProbe?: true;
  answer(call: AdminCall): Promise<AdminAnswer>;
}

/** Every path of the admin listener. There is no shutdown, and no parameter names a file or an address (security A4). */
export function adminRoutes(deps: ReadingDeps, isMetricsOpen: boolean): readonly AdminRoute[] {
  return [...probes(deps, isMetricsOpen), ...readings(deps), ...changes(deps)];
}

function probes(deps: ReadingDeps, isMetricsOpen: boolean): readonly AdminRoute[] {
  const { ports } = deps;
  return [
    { method: "GET", path: "/livez", need: "none", isProbe: true, answer: async () => ({ json: { status: "alive" } }) },
    { method: "GET", path: "/readyz", need: "none", isProbe: true, answer: () => readyz(deps, ports.readiness()) },
    {
      method: "GET",
      path: "/metrics",
      need: isMetricsOpen ? "none" : "view",
      isProbe: true,
      answer: async () => ({ text: await ports.metricsText() }),
    },
  ];
}

/** The arms stand in the body and never in the status: taking every proxy out helps nobody (ux.md §7). No addresses: nobody asked for a token. */
async function readyz(deps: ReadingDeps, readiness: Readiness): Promise<AdminAnswer> {
  const arms = await readArms(deps);
  const rows = arms?.map(({ arm, backend, instances }) => ({
    arm,
    backend,
    ready: instances.filter((instance) => instance.isReady).length,
    instances: instances.length,
  }));
  const status = readiness.isReady ? "ready" : "not ready";
  return { status: readiness.isReady ? 200 : 503, json: { status, checks: readiness.checks, arms: rows ?? null } };
}

function readings(deps: ReadingDeps): readonly AdminRoute[] {
  const get = (path: string, answer: (call: AdminCall) => Promise<unknown>): AdminRoute => ({
    method: "GET",
    path,
    need: "view",
    answer: async (call) => ({ json: await answer(call) }),
  });
  return [
    get("/api/status", () => readStatus(deps)),
    get("/api/flags", async () => readFlags(deps)),
    get("/api/pins", async ({ grant }) => readPins(deps, grant)),
    get("/api/kill", async () => readKills(deps.ports.flags)),
    get("/api/config", async () => ({ schemaVersion: SCHEMA_VERSION, configuration: deps.ports.configuration() })),
    get("/api/data/status", async () => readDataStatus(deps.ports)),
    { method: "GET", path: "/api/shadow/report", need: "view", answer: (call) => readShadowReport(deps, call) },
    get("/api/explain", ({ query, grant }) => {
      const subject = query("user") ?? query("subject") ?? null;
      const route = query("route");
      const isSubjectLegal = subject === null || (subject.length >= 1 && subject.length <= 128);
      if (route === undefined || !isSubjectLegal) {
        const next =
          'Ask as in /api/explain?user=u_81&route=GET%20/x; a subject has 1 to 128 characters, "subject" names an anonymous id.';
        throw new AdminError("ADMIN_BAD_REQUEST", "A route is needed, and a subject of legal length.", next);
      }
      return readExplain(deps, subject, route, grant);
    }),
  ];
}

function changes(deps: ReadingDeps): readonly AdminRoute[] {
  const post = (path: string, change: (body: unknown) => Promise<unknown>): AdminRoute => ({
    method: "POST",
    path,
    need: "operate",
    answer: async ({ body }) => ({ json: await change(body) }),
  });
  return [
    post("/api/flags", async (body) => ({ schemaVersion: SCHEMA_VERSION, ...(await setFlag(deps, body)) })),
    post("/api/pins", (body) => addPin(deps, body)),
    post("/api/pins/remove", (body) => removePin(deps, body)),
    post("/api/kill", (body) => setKill(deps, body)),
    post("/api/data/verify", (body) => verifyData(deps.ports, body)),
    post("/api/data/copy", (body) => copyData(deps.ports, body)),
    post("/api/data/repair", (body) => repairData(deps.ports, body)),
    {
      method: "GET",
      path: "/api/data/subjects",
      // Subjects in clear are for those who may change things (security D2).
      need: "operate",
      answer: async ({ query }) => ({
        json: await readSubjects(deps.ports, query("after") ?? null, query("arm") ?? "control"),
      }),
    },
    post("/api/kill/clear", (body) => clearKill(deps, body)),
    {
      method: "DELETE",
      path: "/api/shadow/samples",
      need: "operate",
      answer: async ({ body }) => ({ json: await removeSamples(deps, body) }),
    },
  ];
}
