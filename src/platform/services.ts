import { join } from "node:path";
import { createCandidateArm } from "./candidateArm.ts";
import { type CassetteService, createCassetteService } from "./cassetteService.ts";
import { CONTROL_ENV, controlProgram } from "./controlProgram.ts";
import { type ChosenPort, nextFreePort } from "./freePort.ts";
import { createLogFile } from "./logFile.ts";
import type { DemoDeps } from "./ports.ts";
import { modelEnv, nodeEnv, serviceEnv } from "./serviceEnv.ts";
import { createSupervisor, type ServiceSpec, type Supervisor } from "./supervisor.ts";

/** Contract README §5. */
export const PORTS = { proxy: 8000, control: 8001, candidate: 8002, model: 8003, host: 8004, admin: 9901 } as const;
const HOST = "127.0.0.1";

export type ServiceName = "model" | "cassette" | "control" | "candidate" | "host";

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
  /** The arms' model calls are recorded on their way (shadow K1). */
  readonly hasCassette: boolean;
}

export interface Services {
  readonly ports: Readonly<Partial<Record<Exclude<ServiceName, "cassette">, ChosenPort>>>;
  readonly urls: Readonly<{ control: string; candidate: string; model: string }>;
  /** The deployment that runs the candidate's functions; null: the embedded host. */
  readonly deployment: string | null;
  /** False when `OPENAI_BASE_URL` names another model server. */
  readonly hasStandIn: boolean;
  readonly cassette: CassetteService | null;
  /** Processes by name, in the order of their starts. */
  readonly names: readonly ServiceName[];
  start(): Promise<void>;
  /** The arms first, then what they use. */
  stop(): Promise<void>;
  kill(): void;
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
  const logAt = (name: ServiceName) => createLogFile(join(root, "data", "logs", `${name}.log`));
  const onPid = (name: ServiceName) => (pid: number | null) => options.onPid?.(name, pid);
  const provider = model ? `${urls.model}/v1` : urls.model;
  const cassette = options.hasCassette
    ? await createCassetteService({
        root,
        env,
        provider,
        choosePort: (wanted) => nextFreePort(HOST, wanted, givenPorts),
        logsDir: join(root, "data", "logs"),
        say,
        onPid: onPid("cassette"),
      })
    : null;
  const arm = {
    JWT_SECRET_KEY: secret,
    SERVICE_TOKEN: serviceToken,
    DATA_DIR: join(root, "data"),
    ...modelEnv(env, cassette?.recordUrl ?? provider),
  } as Record<string, string>;
  const make = (spec: ServiceSpec): Supervisor =>
    createSupervisor(spec, {
      log: logAt(spec.name as ServiceName),
      say,
      onPid: onPid(spec.name as ServiceName),
    });
  const stood =
    model &&
    make({
      name: "model",
      command: process.execPath,
      args: ["src/modelStandIn/main.ts"],
      cwd: root,
      env: nodeEnv(root, serviceEnv(env, { PORT: String(model.port) })),
      readyUrl: `${urls.model}/healthz`,
    });
  const legacy = make({
    ...controlProgram(root),
    name: "control",
    env: serviceEnv(env, { ...arm, PORT: String(control.port), ...CONTROL_ENV }),
    readyUrl: `${urls.control}/readyz`,
  });
  const convex = createCandidateArm({
    root,
    name: "candidate",
    env: nodeEnv(root, serviceEnv(env, { ...arm, PORT: String(candidate.port) })),
    url: urls.candidate,
    hostPort: host?.port ?? 0,
    hostName: "host",
    hostLog: host === null ? null : logAt("host"),
    say,
    onHostPid: onPid("host"),
    make,
    startCandidate: options.startCandidate,
  });
  const stop = async (): Promise<void> => {
    await Promise.all([legacy.stop(), convex.stopService()]);
    await Promise.all([cassette?.stop(), stood?.stop(), convex.stopHost()]);
  };
  return {
    ports: { control, candidate, ...(model && { model }), ...(host && { host }) },
    urls,
    deployment,
    hasStandIn,
    cassette,
    names: [
      ...(model ? (["model"] as const) : []),
      ...(cassette ? (["cassette"] as const) : []),
      "control",
      ...(host ? (["host"] as const) : []),
      "candidate",
    ],
    stop,
    async start() {
      // All at once: none needs another to become ready (contract rest.md §6: the model is never called by a probe).
      const results = await Promise.allSettled([stood?.start(), cassette?.start(), legacy.start(), convex.start()]);
      const failed = results.find((result) => result.status === "rejected");
      if (!failed) return;
      await stop();
      throw failed.reason;
    },
    kill() {
      legacy.kill();
      convex.kill();
      cassette?.kill();
      stood?.kill();
    },
  };
}
