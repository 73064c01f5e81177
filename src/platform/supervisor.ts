import { type ChildProcess, spawn } from "node:child_process";
import type { LogFile } from "./logFile.ts";
import type { Timing } from "./ports.ts";
import { createBackoff, systemTiming } from "./timing.ts";

export interface ServiceSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Answers 200 when the service can take work. */
  readonly readyUrl: string;
}

export interface SupervisorOptions {
  readonly log: LogFile;
  readonly say: (line: string) => void;
  readonly onPid?: (pid: number | null) => void;
  readonly timing?: Timing;
  readonly readyMs?: number;
  /** After SIGTERM the contract gives an arm 10 s for its running turns (README §5); then it is killed. */
  readonly stopMs?: number;
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
  /** A service that was ready for this long starts again without the wait earned by earlier deaths. */
  readonly steadyMs?: number;
}

/** A service that did not become ready; the message ends with its last words. */
export class ServiceFailed extends Error {
  /** The port was free when it was chosen and taken when it was used: another one may do. */
  readonly isPortTaken: boolean;
  constructor(message: string, { isPortTaken = false } = {}) {
    super(message);
    this.isPortTaken = isPortTaken;
  }
}

/** How every service of the platform ends when its port is in use. */
const PORT_TAKEN = "exit code 4";

export interface Supervisor {
  readonly name: string;
  readonly pid: number | null;
  readonly state: "idle" | "starting" | "ready" | "waiting" | "stopping" | "stopped";
  /** Times the process was started again after it died. */
  readonly restarts: number;
  /** First start: resolves when ready; rejects with `ServiceFailed`, and then nothing is left running. */
  start(): Promise<void>;
  /** SIGTERM, then SIGKILL; resolves when the process is gone. */
  stop(): Promise<void>;
  /** SIGKILL now, without waiting. */
  kill(): void;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<string>;
  isEnded: boolean;
  readyAt: number | null;
}

const POLL_MS = 50;
const PROBE_MS = 1_000;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Keeps one child process alive: readiness, restart with back-off, stop by its pid. */
export function createSupervisor(spec: ServiceSpec, options: SupervisorOptions): Supervisor {
  const { log, say, timing = systemTiming, readyMs = 30_000, stopMs = 12_000, steadyMs = 10_000 } = options;
  const backoff = createBackoff({ ...(options.backoff ?? { firstMs: 200, maxMs: 5_000 }), jitter: 0 });
  const stopping = new AbortController();
  let state: Supervisor["state"] = "idle";
  let running: Running | null = null;
  let restarts = 0;
  let watching: Promise<void> = Promise.resolve();

  function launch(): Running {
    // Its own process group: Ctrl-C in the terminal reaches the demo alone, which then stops everything in order.
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    log.take(child.stdout);
    log.take(child.stderr);
    const ended = new Promise<string>((done) => {
      child.once("error", (cause) => done(`cannot start: ${cause.message}`));
      child.once("close", (code, signal) => done(signal ?? `exit code ${code}`));
    });
    const started: Running = { child, ended, isEnded: false, readyAt: null };
    void ended.then(() => {
      started.isEnded = true;
      options.onPid?.(null);
    });
    running = started;
    if (child.pid !== undefined) options.onPid?.(child.pid);
    return started;
  }

  async function isReady(): Promise<boolean> {
    try {
      const answer = await fetch(spec.readyUrl, { signal: AbortSignal.timeout(PROBE_MS) });
      await answer.body?.cancel();
      return answer.status === 200;
    } catch {
      return false;
    }
  }

  /** True when it became ready; false when it ended, did not make it in time, or everything is stopping. */
  async function untilReady(process: Running): Promise<boolean> {
    const until = timing.now() + readyMs;
    while (!process.isEnded && !stopping.signal.aborted && timing.now() < until) {
      if ((await isReady()) && !process.isEnded) {
        process.readyAt = timing.now();
        return true;
      }
      await timing.sleep(POLL_MS, stopping.signal);
    }
    return false;
  }

  async function endNow(process: Running): Promise<string> {
    process.child.kill("SIGKILL");
    return process.ended;
  }

  async function start(): Promise<void> {
    state = "starting";
    const process = launch();
    if (await untilReady(process)) {
      state = "ready";
      watching = watch(process);
      return;
    }
    const isPortTaken = process.isEnded && (await process.ended) === PORT_TAKEN;
    const how = process.isEnded ? `ended with ${await process.ended}` : `was not ready within ${seconds(readyMs)}`;
    await endNow(process);
    state = "stopped";
    const lastWords = log.tail().split("\n").slice(-5).join("\n  ");
    throw new ServiceFailed(`${spec.name} ${how}. Its log is ${log.path}; the last of it:\n  ${lastWords}`, {
      isPortTaken,
    });
  }

  /** Follows the process and its successors until everything stops. */
  async function watch(first: Running): Promise<void> {
    for (let process = first; ; ) {
      const how = await process.ended;
      if (stopping.signal.aborted) return;
      if (process.readyAt !== null && timing.now() - process.readyAt >= steadyMs) backoff.reset();
      const delayMs = backoff.next();
      state = "waiting";
      say(`${spec.name} ended (${how}); it starts again in ${seconds(delayMs)}. Log: ${log.path}`);
      await timing.sleep(delayMs, stopping.signal);
      if (stopping.signal.aborted) return;
      restarts += 1;
      state = "starting";
      process = launch();
      if (await untilReady(process)) {
        state = "ready";
        say(`${spec.name} is ready again`);
      } else if (!process.isEnded && !stopping.signal.aborted) {
        say(`${spec.name} was not ready within ${seconds(readyMs)}`);
        await endNow(process);
      }
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    const process = running;
    if (process && !process.isEnded) {
      state = "stopping";
      process.child.kill("SIGTERM");
      const late = new AbortController();
      const patience = timing.sleep(stopMs, late.signal).then(() => {
        if (process.isEnded) return;
        say(`${spec.name} did not stop within ${seconds(stopMs)} and is killed`);
        process.child.kill("SIGKILL");
      });
      await process.ended;
      late.abort();
      await patience;
    }
    await watching;
    // A successor may have been launched while the stop came in.
    if (running && !running.isEnded) await endNow(running);
    state = "stopped";
    log.close();
  }

  return {
    name: spec.name,
    get pid() {
      return running && !running.isEnded ? (running.child.pid ?? null) : null;
    },
    get state() {
      return state;
    },
    get restarts() {
      return restarts;
    },
    start,
    stop,
    kill() {
      stopping.abort();
      if (running && !running.isEnded) running.child.kill("SIGKILL");
    },
  };
}
