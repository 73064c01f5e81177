import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ChosenPort, nextFreePort } from "./freePort.ts";
import { createLogFile } from "./logFile.ts";
import type { CandidateHost, DemoDeps } from "./ports.ts";
import { createSupervisor, ServiceFailed, type ServiceSpec, type Supervisor } from "./supervisor.ts";

/** Contract README §5. */
export const PORTS = { proxy: 8000, control: 8001, candidate: 8002, model: 8003, host: 8004, admin: 9901 } as const;
const HOST = "127.0.0.1";

export type ServiceName = "model" | "control" | "candidate" | "host";

export interface ServicesOptions {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly secret: string;
  readonly serviceToken: string;
  readonly say: (line: string) => void;
  readonly onPid?: (name: ServiceName, pid: number | null) => void;
  /** Ports already promised to others in this demo. */
  readonly givenPorts: Set<number>;
  readonly startCandidate: DemoDeps["startCandidate"];
}

export interface Services {
  readonly ports: Readonly<Partial<Record<ServiceName, ChosenPort>>>;
  readonly urls: Readonly<{ control: string; candidate: string; model: string }>;
  /** The deployment that runs the candidate's functions; null: the embedded host. */
  readonly deployment: string | null;
  /** False when `OPENAI_BASE_URL` names another model server. */
  readonly hasStandIn: boolean;
  /** Processes by name, in the order of their starts. */
  readonly names: readonly ServiceName[];
  start(): Promise<void>;
  /** The arms first, then what they use. */
  stop(): Promise<void>;
  kill(): void;
}

/** How the candidate shows itself to a deployment (embedded-convex §6), the only ones of ours that a service reads. */
const IDENTITY: ReadonlySet<string> = new Set(["SWITCHYARD_SIGNING_KEY", "SWITCHYARD_ISSUER", "SWITCHYARD_AUDIENCE"]);

/**
 * What a service inherits: everything but the variables that the demo decides. A model key reaches the arms only
 * together with a base address: found alone in the environment it would make the demo spend money (ux.md §2).
 */
export function serviceEnv(env: NodeJS.ProcessEnv, own: Record<string, string>): NodeJS.ProcessEnv {
  const decided = /^(HOST|PORT|DATA_DIR|JWT_SECRET_KEY|SERVICE_TOKEN|OPENAI_.*|npm_.*|SWITCHYARD_.*)$/;
  const inherited = Object.entries(env).filter(([name]) => !decided.test(name) || IDENTITY.has(name));
  return { ...Object.fromEntries(inherited), HOST, ...own };
}

function modelEnv(env: NodeJS.ProcessEnv, standInUrl: string): Record<string, string> {
  if (!env.OPENAI_BASE_URL) return { OPENAI_BASE_URL: `${standInUrl}/v1`, OPENAI_API_KEY: "local" };
  const given = Object.entries(env).filter(([name]) => name.startsWith("OPENAI_"));
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function venvPython(root: string): string {
  const places = [
    join(root, "legacy", ".venv", "bin", "python"),
    join(root, "legacy", ".venv", "Scripts", "python.exe"),
  ];
  const python = places.find((place) => existsSync(place));
  if (python) return python;
  throw new ServiceFailed("The Python environment of the control service is missing; run `node scripts/ensure.mjs`.");
}

/** Chooses ports and describes the platform's processes; nothing runs until `start`. */
export async function createServices(options: ServicesOptions): Promise<Services> {
  const { root, env, secret, serviceToken, say, givenPorts } = options;
  const hasStandIn = !env.OPENAI_BASE_URL;
  const control = await nextFreePort(HOST, PORTS.control, givenPorts);
  const candidate = await nextFreePort(HOST, PORTS.candidate, givenPorts);
  const deployment = env.CONVEX_URL || null;
  const host = deployment === null ? await nextFreePort(HOST, PORTS.host, givenPorts) : null;
  const model = hasStandIn ? await nextFreePort(HOST, PORTS.model, givenPorts) : null;
  const at = (port: number): string => `http://${HOST}:${port}`;
  const urls = {
    control: at(control.port),
    candidate: at(candidate.port),
    model: model ? at(model.port) : (env.OPENAI_BASE_URL ?? ""),
  };
  const shared = { JWT_SECRET_KEY: secret, SERVICE_TOKEN: serviceToken, DATA_DIR: join(root, "data") };
  const arm = { ...shared, ...modelEnv(env, urls.model) };
  const logAt = (name: ServiceName) => createLogFile(join(root, "data", "logs", `${name}.log`));
  const make = (spec: Omit<ServiceSpec, "readyUrl"> & { readonly name: ServiceName }): Supervisor =>
    createSupervisor(
      { ...spec, readyUrl: `${urls[spec.name as keyof typeof urls]}/${spec.name === "model" ? "healthz" : "readyz"}` },
      { log: logAt(spec.name), say, onPid: (pid) => options.onPid?.(spec.name, pid) },
    );
  const node = { command: process.execPath, cwd: root };
  const stood = model && {
    supervisor: make({
      ...node,
      name: "model",
      args: ["src/modelStandIn/main.ts"],
      env: serviceEnv(env, { PORT: String(model.port) }),
    }),
  };
  const legacy = make({
    name: "control",
    command: venvPython(root),
    args: ["-m", "tutoring"],
    cwd: join(root, "legacy"),
    env: serviceEnv(env, { ...arm, PORT: String(control.port), TZ: "UTC", PYTHONUNBUFFERED: "1" }),
  });
  const arms: Supervisor[] = [legacy];
  let running: CandidateHost | null = null;
  const startCandidate = async (): Promise<void> => {
    const hostLog = host === null ? null : logAt("host");
    await options.startCandidate({
      env: serviceEnv(env, { ...arm, PORT: String(candidate.port) }),
      hostPort: host?.port ?? 0,
      onHost: (started) => {
        running = started;
      },
      onHostEvent: (event) => {
        hostLog?.line(JSON.stringify(event));
        if (event["event"] === "host.ended") say(`host ended; it starts again. Log: ${hostLog?.path}`);
      },
      onHostPid: (pid) => options.onPid?.("host", pid),
      async startService(given) {
        const service = make({ ...node, name: "candidate", args: ["src/convexBackend/main.ts"], env: given });
        arms.push(service);
        await service.start();
      },
    });
  };
  const stop = async (): Promise<void> => {
    await Promise.all(arms.map((one) => one.stop()));
    await Promise.all([stood?.supervisor.stop(), running?.stop()]);
  };
  return {
    ports: { control, candidate, ...(model && { model }), ...(host && { host }) },
    urls,
    deployment,
    hasStandIn,
    names: [...(model ? (["model"] as const) : []), "control", ...(host ? (["host"] as const) : []), "candidate"],
    stop,
    async start() {
      // All at once: none needs another to become ready (contract rest.md §6: the model is never called by a probe).
      const results = await Promise.allSettled([stood?.supervisor.start(), legacy.start(), startCandidate()]);
      const failed = results.find((result) => result.status === "rejected");
      if (!failed) return;
      await stop();
      throw failed.reason;
    },
    kill() {
      for (const one of arms) one.kill();
      stood?.supervisor.kill();
      running?.kill();
    },
  };
}
