import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../cli/index.ts";
import {
  EXIT_CODES,
  type HostEvent,
  type HostProcess,
  HostStartFailed,
  startHostProcess,
} from "../convexHost/index.ts";
import { EXIT } from "../kernel/index.ts";

export interface CandidateOptions<Service> {
  /** Of the service (contract README §5); `DATA_DIR` holds the host's folder too. */
  readonly env: NodeJS.ProcessEnv;
  /** Folder of the functions. */
  readonly functionsDir: string;
  /** Of the embedded host; 0: any that is free. */
  readonly hostPort?: number;
  /** More variables of the functions. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly hostFlags?: readonly string[];
  readonly onHostEvent?: (event: HostEvent) => void;
  readonly onHostPid?: (pid: number | null) => void;
  readonly onHost?: (host: HostProcess) => void;
  /** Starts the service with the given environment, in which `CONVEX_URL` is set. */
  readonly startService: (env: NodeJS.ProcessEnv) => Promise<Service>;
}

export interface Candidate<Service> {
  readonly service: Service;
  /** null: `CONVEX_URL` was given. Outlives the service; whoever started both stops it last. */
  readonly host: HostProcess | null;
}

/**
 * The one place that decides where the candidate's functions run (embedded-convex §1): on the deployment of
 * `CONVEX_URL`, or, without one, on an embedded host over `DATA_DIR/convex` that this starts first.
 * @throws StartError when the host does not start, or what `startService` throws; nothing is left running then
 */
export async function startCandidate<Service>(options: CandidateOptions<Service>): Promise<Candidate<Service>> {
  const { env, startService } = options;
  if (env["CONVEX_URL"]) return { service: await startService(env), host: null };
  const host = await startCandidateHost(options);
  try {
    return { service: await startService({ ...env, CONVEX_URL: host.url }), host };
  } catch (error) {
    await host.stop();
    throw error;
  }
}

async function startCandidateHost(options: Omit<CandidateOptions<unknown>, "startService">): Promise<HostProcess> {
  const { env, functionsDir, hostPort = 0, hostFlags = [] } = options;
  const dataDir = candidateDataDir(env);
  try {
    const host = await startHostProcess({
      functionsDir,
      dataDir,
      port: hostPort,
      envFile: await writeHostVariables(env, options.variables),
      flags: hostFlags,
      ...(options.onHostEvent && { onEvent: options.onHostEvent }),
      ...(options.onHostPid && { onPid: options.onHostPid }),
    });
    options.onHost?.(host);
    return host;
  } catch (error) {
    if (!(error instanceof HostStartFailed)) throw error;
    const isInUse = error.exitCode === EXIT_CODES.inUse;
    throw new StartError(error.message, isInUse ? EXIT.unreachable : EXIT.configuration, { cause: error });
  }
}

/** The host's own folder; nothing else lies in it. */
export const candidateDataDir = (env: NodeJS.ProcessEnv): string => join(env["DATA_DIR"] || "data", "convex");

/**
 * Writes what the functions must know, who signs the service's tokens: public values only.
 * @returns the file
 * @throws StartError when the environment names keys or issuers that cannot be used
 */
export async function writeHostVariables(
  env: NodeJS.ProcessEnv,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  // Slow to load, and most commands need none of it.
  const { ConfigurationError, convexVariables, envFileText, SigningKeyError } = await import(
    "../convexBackend/index.ts"
  );
  try {
    const text = envFileText({ ...convexVariables(env), ...more });
    const dir = join(env["DATA_DIR"] || "data", "candidate");
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const file = join(dir, "host.env");
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, text, { mode: 0o600 });
    renameSync(draft, file);
    return file;
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof SigningKeyError)) throw error;
    throw new StartError(error.message, EXIT.configuration, { cause: error });
  }
}
