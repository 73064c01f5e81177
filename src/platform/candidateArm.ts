import type { LogFile } from "./logFile.ts";
import type { CandidateHost, DemoDeps } from "./ports.ts";
import { ServiceFailed, type ServiceSpec, type Supervisor } from "./supervisor.ts";

export interface CandidateArmOptions {
  readonly root: string;
  readonly name: string;
  /** Of the service. */
  readonly env: NodeJS.ProcessEnv;
  readonly url: string;
  readonly hostPort: number;
  /** null: `CONVEX_URL` names a deployment. */
  readonly hostLog: LogFile | null;
  readonly hostName: string;
  readonly say: (line: string) => void;
  readonly onHostPid: (pid: number | null) => void;
  readonly make: (spec: ServiceSpec) => Supervisor;
  readonly startCandidate: DemoDeps["startCandidate"];
}

/** The candidate and what its functions run on. */
export interface CandidateArm {
  /** Once there is one. */
  readonly service: Supervisor | null;
  start(): Promise<void>;
  stopService(): Promise<void>;
  /** After `stopService`; one that is starting is waited for. */
  stopHost(): Promise<void>;
  kill(): void;
}

export function createCandidateArm(options: CandidateArmOptions): CandidateArm {
  const { name, hostLog, hostName, say, make } = options;
  let service: Supervisor | null = null;
  let host: CandidateHost | null = null;
  let starting: Promise<unknown> = Promise.resolve();
  let isStopping = false;
  const startService = async (env: NodeJS.ProcessEnv): Promise<void> => {
    if (isStopping) throw new ServiceFailed(`${name} was stopped before it had started.`);
    const args = ["src/convexBackend/main.ts"];
    service = make({
      name,
      command: process.execPath,
      args,
      cwd: options.root,
      env,
      readyUrl: `${options.url}/readyz`,
    });
    await service.start();
  };
  return {
    get service() {
      return service;
    },
    start() {
      const started = options.startCandidate({
        env: options.env,
        hostPort: options.hostPort,
        onHost: (one) => {
          host = one;
        },
        onHostEvent: (event) => {
          hostLog?.line(JSON.stringify(event));
          if (event["event"] === "host.ended") say(`${hostName} ended; it starts again. Log: ${hostLog?.path}`);
        },
        onHostPid: options.onHostPid,
        startService,
      });
      starting = started.catch(() => {});
      return started.then(() => {});
    },
    async stopService() {
      isStopping = true;
      await service?.stop();
    },
    async stopHost() {
      isStopping = true;
      await starting;
      await service?.stop();
      await host?.stop();
    },
    kill() {
      isStopping = true;
      service?.kill();
      host?.kill();
    },
  };
}
