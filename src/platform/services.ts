import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ChosenPort, nextFreePort } from "./freePort.ts";
import { createLogFile } from "./logFile.ts";
import { createSupervisor, ServiceFailed, type ServiceSpec, type Supervisor } from "./supervisor.ts";

/** Contract README §5. */
export const PORTS = { proxy: 8000, control: 8001, candidate: 8002, model: 8003, admin: 9901 } as const;
const HOST = "127.0.0.1";

export type ServiceName = "model" | "control" | "candidate";

export interface ServicesOptions {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly secret: string;
  readonly say: (line: string) => void;
  readonly onPid?: (name: ServiceName, pid: number | null) => void;
  /** Ports already promised to others in this demo. */
  readonly givenPorts: Set<number>;
}

export interface Services {
  readonly ports: Readonly<Partial<Record<ServiceName, ChosenPort>>>;
  readonly urls: Readonly<{ control: string; candidate: string; model: string }>;
  /** False when `OPENAI_BASE_URL` names another model server. */
  readonly hasStandIn: boolean;
  readonly supervisors: readonly Supervisor[];
  start(): Promise<void>;
  /** The arms first, then what they use. */
  stop(): Promise<void>;
  kill(): void;
}

/**
 * What a service inherits: everything but the variables that the demo decides. A model key reaches the arms only
 * together with a base address: found alone in the environment it would make the demo spend money (ux.md §2).
 */
export function serviceEnv(env: NodeJS.ProcessEnv, own: Record<string, string>): NodeJS.ProcessEnv {
  const decided = /^(HOST|PORT|DATA_DIR|JWT_SECRET_KEY|OPENAI_.*|npm_.*|SWITCHYARD_.*)$/;
  const inherited = Object.entries(env).filter(([name]) => !decided.test(name));
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
  const { root, env, secret, say, givenPorts } = options;
  const hasStandIn = !env.OPENAI_BASE_URL;
  const control = await nextFreePort(HOST, PORTS.control, givenPorts);
  const candidate = await nextFreePort(HOST, PORTS.candidate, givenPorts);
  const model = hasStandIn ? await nextFreePort(HOST, PORTS.model, givenPorts) : null;
  const at = (port: number): string => `http://${HOST}:${port}`;
  const urls = {
    control: at(control.port),
    candidate: at(candidate.port),
    model: model ? at(model.port) : (env.OPENAI_BASE_URL ?? ""),
  };
  const arm = { JWT_SECRET_KEY: secret, DATA_DIR: join(root, "data"), ...modelEnv(env, urls.model) };
  const specs: Partial<Record<ServiceName, ServiceSpec>> = {
    ...(model && {
      model: {
        name: "model",
        command: process.execPath,
        args: ["src/modelStandIn/main.ts"],
        cwd: root,
        env: serviceEnv(env, { PORT: String(model.port) }),
        readyUrl: `${urls.model}/healthz`,
      },
    }),
    control: {
      name: "control",
      command: venvPython(root),
      args: ["-m", "tutoring"],
      cwd: join(root, "legacy"),
      env: serviceEnv(env, { ...arm, PORT: String(control.port), TZ: "UTC", PYTHONUNBUFFERED: "1" }),
      readyUrl: `${urls.control}/readyz`,
    },
    candidate: {
      name: "candidate",
      command: process.execPath,
      args: ["src/convexBackend/main.ts"],
      cwd: root,
      env: serviceEnv(env, { ...arm, PORT: String(candidate.port) }),
      readyUrl: `${urls.candidate}/readyz`,
    },
  };
  const make = (name: ServiceName): Supervisor[] => {
    const spec = specs[name];
    if (!spec) return [];
    const log = createLogFile(join(root, "data", "logs", `${name}.log`));
    return [createSupervisor(spec, { log, say, onPid: (pid) => options.onPid?.(name, pid) })];
  };
  const arms = [...make("control"), ...make("candidate")];
  const used = make("model");
  const supervisors = [...used, ...arms];
  const stop = async (): Promise<void> => {
    await Promise.all(arms.map((one) => one.stop()));
    await Promise.all(used.map((one) => one.stop()));
  };
  return {
    ports: { control, candidate, ...(model && { model }) },
    urls,
    hasStandIn,
    supervisors,
    stop,
    async start() {
      // All at once: none needs another to become ready (contract rest.md §6: the model is never called by a probe).
      const results = await Promise.allSettled(supervisors.map((one) => one.start()));
      const failed = results.find((result) => result.status === "rejected");
      if (!failed) return;
      await stop();
      throw failed.reason;
    },
    kill: () => supervisors.forEach((one) => one.kill()),
  };
}
