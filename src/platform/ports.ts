import type { CliDeps, RunningProxy } from "../cli/ports.ts";

type ConfigSource = Parameters<CliDeps["startProxy"]>[0];

/** What `app.ts` hands to the demo: the core is reached through these, never imported (house.md §2). */
export interface DemoDeps {
  readonly version: string;
  /** Folder of the clone: services, configuration and `data/` live below it. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Loads and checks the configuration; `overrides` by dotted path (`arms.control.url`) beat file and variables. */
  loadConfig(options: ConfigSource["options"]): ConfigSource["loaded"];
  readonly startProxy: CliDeps["startProxy"];
  /** Starts the candidate, and before it what its functions run on when `CONVEX_URL` names no deployment. */
  readonly startCandidate: <Service>(options: CandidateStart<Service>) => Promise<{ readonly service: Service }>;
  /** Ends the process at once with this code; called for a second signal, after every child was killed. */
  exit(code: number): void;
}
export interface CandidateStart<Service> {
  readonly env: NodeJS.ProcessEnv;
  readonly hostPort: number;
  /** Told of the host that was started, so that whoever ends the demo can end it too. */
  readonly onHost: (host: CandidateHost) => void;
  readonly onHostEvent: (event: Readonly<Record<string, unknown>>) => void;
  readonly onHostPid: (pid: number | null) => void;
  /** Gets the environment with `CONVEX_URL`. */
  readonly startService: (env: NodeJS.ProcessEnv) => Promise<Service>;
}

/** Runs the candidate's functions; starts itself again when it ends. */
export interface CandidateHost {
  stop(): Promise<void>;
  /** Ends it now, without waiting. */
  kill(): void;
}
export type { RunningProxy };

/** Time as the demo needs it; the system's, or a test's own. */
export interface Timing {
  now(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}
