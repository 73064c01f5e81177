import {
  SERVICE_TOKEN,
  startCandidate,
  startControl,
  startModelRecorder,
  startPostgres,
  startProxy,
  startStandIn,
  TEST_SECRET,
  type Service,
} from "../../support/index.ts";
import type { Target, TargetName } from "../harness/index.ts";
import type { RunOptions } from "./options.ts";

export interface StartedBench {
  readonly targets: Target[];
  readonly modelUrl?: string;
  /** Targets that did not come up, with the reason. */
  readonly failures: Map<TargetName, string>;
  stop(): Promise<void>;
}

/** Targets that somebody else started: no fault switches, no recording model, no processes of our own. */
function running(options: RunOptions): StartedBench {
  const targets = Object.entries(options.urls).map(
    ([name, baseUrl]): Target => ({
      name: name as TargetName,
      kind: name.startsWith("proxy") ? "proxy" : "arm",
      arm: name.endsWith("candidate") ? "candidate" : "control",
      baseUrl: baseUrl.replace(/\/$/, ""),
      secret: options.secret ?? "",
    }),
  );
  return { targets, failures: new Map(), stop: async () => undefined };
}

/** Starts the stand-in model, the arms and the proxies the wanted targets need. */
export async function startBench(options: RunOptions): Promise<StartedBench> {
  if (Object.keys(options.urls).length > 0) return running(options);
  const wanted = new Set(options.targets);
  const stops: (() => Promise<unknown>)[] = [];
  const failures = new Map<TargetName, string>();
  const standIn = await startStandIn();
  stops.push(() => standIn.stop());
  const recorder = await startModelRecorder(standIn.baseUrl);
  stops.push(() => recorder.stop());
  const modelUrl = `${recorder.url}/v1`;

  async function attempt(name: TargetName, start: () => Promise<Service>): Promise<Service | undefined> {
    try {
      const service = await start();
      stops.push(() => service.stop());
      return service;
    } catch (error) {
      failures.set(name, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  async function postgresControl(): Promise<Service> {
    const postgres = await startPostgres();
    stops.push(() => postgres.stop());
    return startControl({ modelUrl, databaseUrl: await postgres.createDatabase("contract") });
  }

  const hasProxy = wanted.has("proxy-control") || wanted.has("proxy-candidate");
  const [control, onPostgres, candidate] = await Promise.all([
    wanted.has("control-sqlite") || hasProxy ? attempt("control-sqlite", () => startControl({ modelUrl })) : undefined,
    wanted.has("control-postgres") ? attempt("control-postgres", postgresControl) : undefined,
    wanted.has("candidate") || hasProxy ? attempt("candidate", () => startCandidate({ modelUrl })) : undefined,
  ]);
  const services = new Map<TargetName, Service | undefined>([
    ["control-sqlite", control],
    ["control-postgres", onPostgres],
    ["candidate", candidate],
  ]);
  for (const arm of ["control", "candidate"] as const) {
    const name: TargetName = `proxy-${arm}`;
    if (!wanted.has(name)) continue;
    const served = arm === "control" ? control : candidate;
    if (!control || !served) failures.set(name, "the arm it sends everybody to did not start");
    else {
      // A candidate that is down must not matter to people on control: nothing listens on port 9.
      const candidateUrl = candidate?.baseUrl ?? "http://127.0.0.1:9";
      services.set(
        name,
        await attempt(name, () =>
          startProxy({ controlUrl: control.baseUrl, candidateUrl, everyoneOn: arm, hasRelay: false }),
        ),
      );
    }
  }
  const targets = options.targets.flatMap((name): Target[] => {
    const service = services.get(name);
    if (!service) return [];
    const kind = name.startsWith("proxy") ? "proxy" : "arm";
    const arm = name.endsWith("candidate") ? "candidate" : "control";
    return [
      {
        name,
        kind,
        arm,
        baseUrl: service.baseUrl,
        secret: TEST_SECRET,
        ...(kind === "arm" ? { serviceToken: SERVICE_TOKEN } : {}),
      },
    ];
  });
  return {
    targets,
    modelUrl: recorder.url,
    failures,
    async stop(): Promise<void> {
      for (const stop of stops.reverse()) await stop();
    },
  };
}
