import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCandidate as startCandidateWithHost } from "../../src/app.ts";
import { REPOSITORY } from "./paths.ts";
import { startService, type Service, type ServiceSpec } from "./process.ts";

/** Both arms and the proxy share it; 32 bytes are the contract's minimum (G7). */
export const TEST_SECRET = "a-secret-of-the-test-bench-with-40-bytes";
export const SERVICE_TOKEN = "service-token-of-the-test-bench-000000000";

export interface ArmOptions {
  readonly env?: Record<string, string>;
  /** Reused to restart an arm on the same data. */
  readonly dataDir?: string;
  readonly modelUrl?: string;
  readonly databaseUrl?: string;
  /** More variables of the candidate's functions. */
  readonly variables?: Record<string, string>;
}

const folders: string[] = [];
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 2 });
});

/** A folder of our own that goes when this process goes. */
export function temporaryDir(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `switchyard-${name}-`));
  folders.push(folder);
  return folder;
}

/** The environment of contract README §5, with short model pauses so that retries take no time. */
export function armEnv(name: string, options: ArmOptions): Record<string, string> {
  return {
    HOST: "127.0.0.1",
    PORT: "0",
    DATA_DIR: options.dataDir ?? temporaryDir(name),
    JWT_SECRET_KEY: TEST_SECRET,
    SERVICE_TOKEN,
    ALLOW_FAULT_HEADERS: "1",
    MODEL_TIMEOUT_MS: "6000",
    MODEL_RETRY_PAUSE_MS: "20",
    SESSION_IDLE_END_S: "0",
    INSTRUCTOR_EMAILS: "instructor@example.test",
    ...(options.modelUrl === undefined ? {} : { OPENAI_BASE_URL: options.modelUrl }),
    ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
    ...options.env,
  };
}

export function controlSpec(options: ArmOptions = {}): ServiceSpec {
  const cwd = join(REPOSITORY, "legacy");
  return {
    name: "control",
    command: join(cwd, ".venv/bin/python"),
    args: ["-m", "tutoring"],
    cwd,
    env: armEnv("control", options),
  };
}

/** The service alone; nothing answers at its `CONVEX_URL`. */
export function candidateSpec(options: ArmOptions = {}): ServiceSpec {
  return {
    name: "candidate",
    command: process.execPath,
    args: [join(REPOSITORY, "src/convexBackend/main.ts")],
    cwd: REPOSITORY,
    env: { CONVEX_URL: "http://127.0.0.1:9", ...armEnv("candidate", options) },
  };
}

export const startControl = (options: ArmOptions = {}): Promise<Service> => startService(controlSpec(options));

/** Ends of the hosts of earlier candidates, by data folder: the next one there waits for it. */
const hosts = new Map<string, () => Promise<void>>();

export interface CandidateArm extends Service {
  /** Where its functions run: another instance of the service may work there too, on the same data folder. */
  readonly convexUrl: string;
}

/**
 * Service and embedded host as one arm: `stop` and SIGKILL are for both, `signal` is for the service else. With
 * `CONVEX_URL` the service alone.
 */
export async function startCandidate(options: ArmOptions = {}): Promise<CandidateArm> {
  const given = options.env?.["CONVEX_URL"];
  const { CONVEX_URL: _, ...own } = candidateSpec(options).env;
  const env = given === undefined ? own : { ...own, CONVEX_URL: given };
  const dataDir = own["DATA_DIR"] ?? "";
  if (given === undefined) await hosts.get(dataDir)?.();
  const { service, host } = await startCandidateWithHost({
    env,
    ...(options.variables && { variables: options.variables }),
    startService: (whole) => startService({ ...candidateSpec(options), env: whole as Record<string, string> }),
  });
  if (host === null) return Object.assign(service, { convexUrl: given ?? "" });
  hosts.set(dataDir, () => host.stop());
  const { stop, signal } = service;
  return Object.assign(service, {
    convexUrl: host.url,
    async stop(timeoutMs?: number) {
      const exit = await stop(timeoutMs);
      await host.stop();
      return exit;
    },
    signal(name: NodeJS.Signals) {
      signal(name);
      if (name === "SIGKILL") host.kill();
    },
  });
}

/** The local model of contract services §13; it waits as little as it may. */
export function startStandIn(env: Record<string, string> = {}): Promise<Service> {
  return startService({
    name: "stand-in model",
    command: process.execPath,
    args: [join(REPOSITORY, "src/modelStandIn/main.ts")],
    cwd: REPOSITORY,
    env: {
      HOST: "127.0.0.1",
      PORT: "0",
      STANDIN_CHUNK_MS: "1",
      STANDIN_DELAY_MS: "1",
      ALLOW_FAULT_HEADERS: "1",
      ...env,
    },
  });
}
