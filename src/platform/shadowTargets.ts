// Both shadow targets (shadow §3): each the program of its arm, with a store, keys and a model endpoint of its own.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createCandidateArm } from "./candidateArm.ts";
import { CONTROL_ENV, controlProgram } from "./controlProgram.ts";
import type { ChosenPort } from "./freePort.ts";
import { createLogFile } from "./logFile.ts";
import type { DemoDeps } from "./ports.ts";
import { makeSecret } from "./makeSecret.ts";
import { nodeEnv, targetEnv } from "./serviceEnv.ts";
import { createSupervisor, type ServiceSpec, type Supervisor } from "./supervisor.ts";

/** Contract README §5. */
export const SHADOW_PORTS = { control: 8011, candidate: 8012, host: 8014 } as const;
const HOST = "127.0.0.1";
const AUDIENCE = "switchyard-shadow";

export type ShadowProcess = "shadow-control" | "shadow-candidate" | "shadow-host";
type PerArm<T> = Readonly<Record<"control" | "candidate", T>>;

export interface ShadowTargetsOptions {
  readonly root: string;
  /** What the serving arms inherit. */
  readonly env: NodeJS.ProcessEnv;
  /** Of the cassette. */
  readonly replayUrl: string;
  /** Of the targets alone: emptied at each start, for what is compared is brought there first (shadow J1). */
  readonly dataDir: string;
  readonly logsDir: string;
  /** The wanted port, or another. */
  readonly choosePort: (wanted: number) => Promise<ChosenPort>;
  readonly startCandidate: DemoDeps["startCandidate"];
  readonly say: (line: string) => void;
  readonly onPid?: (name: ShadowProcess, pid: number | null) => void;
  /** Left out: both. */
  readonly arms?: readonly ("control" | "candidate")[];
  /** More variables of one of them: `FAULTS`, so that users never see the fault. */
  readonly more?: Partial<PerArm<Readonly<Record<string, string>>>>;
}

export interface ShadowTargets {
  readonly ports: PerArm<ChosenPort> & { readonly host: ChosenPort };
  readonly urls: PerArm<string>;
  readonly logs: PerArm<string>;
  /** Overrides of the proxy's configuration. */
  readonly settings: Readonly<Record<string, string>>;
  /** The secrets, by the names that `settings` say; made anew for every run. */
  readonly env: Readonly<Record<"SHADOW_JWT_SECRET" | "SHADOW_SERVICE_TOKEN", string>>;
  /** null: it has not been started. */
  supervisor(arm: "control" | "candidate"): Supervisor | null;
  /** @throws ServiceFailed when one of them does not become ready; nothing is left running then */
  start(): Promise<void>;
  /** Somebody has asked for their end. */
  readonly isStopped: boolean;
  stop(): Promise<void>;
  kill(): void;
}

/** Chooses ports and makes keys; nothing runs until `start`. */
export async function createShadowTargets(options: ShadowTargetsOptions): Promise<ShadowTargets> {
  const { root, dataDir, logsDir, choosePort, say, onPid, arms = ["control", "candidate"], more = {} } = options;
  const control = await choosePort(SHADOW_PORTS.control);
  const candidate = await choosePort(SHADOW_PORTS.candidate);
  const host = await choosePort(SHADOW_PORTS.host);
  const at = ({ port }: ChosenPort): string => `http://${HOST}:${port}`;
  const urls = { control: at(control), candidate: at(candidate) };
  const env = { SHADOW_JWT_SECRET: makeSecret(), SHADOW_SERVICE_TOKEN: makeSecret() };
  const envOf = (arm: "control" | "candidate", own: Record<string, string>): NodeJS.ProcessEnv =>
    targetEnv(options.env, {
      SHADOW_INSTANCE: "1",
      DATA_DIR: join(dataDir, arm),
      JWT_SECRET_KEY: env.SHADOW_JWT_SECRET,
      JWT_AUDIENCE: AUDIENCE,
      SERVICE_TOKEN: env.SHADOW_SERVICE_TOKEN,
      OPENAI_BASE_URL: options.replayUrl,
      OPENAI_API_KEY: "local",
      ...own,
      ...more[arm],
    });
  const logOf = (name: ShadowProcess): string => join(logsDir, `${name}.log`);
  const make = (spec: ServiceSpec): Supervisor =>
    createSupervisor(spec, {
      log: createLogFile(join(logsDir, `${spec.name}.log`)),
      say,
      onPid: (pid) => onPid?.(spec.name as ShadowProcess, pid),
    });
  const one = make({
    ...controlProgram(root),
    name: "shadow-control",
    env: envOf("control", { PORT: String(control.port), ...CONTROL_ENV }),
    readyUrl: `${urls.control}/readyz`,
  });
  const other = createCandidateArm({
    root,
    name: "shadow-candidate",
    env: nodeEnv(root, envOf("candidate", { PORT: String(candidate.port) })),
    url: urls.candidate,
    hostPort: host.port,
    hostName: "shadow-host",
    hostLog: createLogFile(logOf("shadow-host")),
    say,
    onHostPid: (pid) => onPid?.("shadow-host", pid),
    make,
    startCandidate: options.startCandidate,
  });
  let isStopped = false;
  const stopBoth = async (): Promise<void> => {
    await Promise.all([one.stop(), other.stopService()]);
    await other.stopHost();
  };
  return {
    ports: { control, candidate, host },
    urls,
    logs: { control: logOf("shadow-control"), candidate: logOf("shadow-candidate") },
    settings: settingsOf(arms, urls),
    env,
    supervisor: (arm) => (arm === "control" ? one : other.service),
    get isStopped() {
      return isStopped;
    },
    stop() {
      isStopped = true;
      return stopBoth();
    },
    async start() {
      rmSync(dataDir, { recursive: true, force: true });
      const wanted = [...(arms.includes("control") ? [one] : []), ...(arms.includes("candidate") ? [other] : [])];
      const results = await Promise.allSettled(wanted.map((target) => target.start()));
      const failed = results.find((result) => result.status === "rejected");
      if (!failed) return;
      await stopBoth();
      throw failed.reason;
    },
    kill() {
      isStopped = true;
      one.kill();
      other.kill();
    },
  };
}

const settingsOf = (arms: readonly ("control" | "candidate")[], urls: PerArm<string>): Record<string, string> =>
  Object.fromEntries(
    arms.flatMap((arm) => [
      [`shadow.targets.${arm}.url`, urls[arm]],
      [`shadow.targets.${arm}.jwtSecretEnv`, "SHADOW_JWT_SECRET"],
      [`shadow.targets.${arm}.serviceTokenEnv`, "SHADOW_SERVICE_TOKEN"],
    ]),
  );
