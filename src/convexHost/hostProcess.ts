// Starts the host as a process of its own and starts it again when it ends (embedded-convex §2).
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { dataPathsOf } from "./dataDir.ts";
import { EXIT_CODES } from "./exitCodes.ts";

export interface HostProcessOptions {
  readonly functionsDir: string;
  readonly dataDir: string;
  /** 0: any that is free, and the same one after a restart. */
  readonly port: number;
  readonly envFile?: string;
  /** More of main.ts's flags. */
  readonly flags?: readonly string[];
  /** Told of every line that the process logs, and of `host.ended`. */
  readonly onEvent?: (event: HostEvent) => void;
  /** Told of each process that begins, and null when it has ended. */
  readonly onPid?: (pid: number | null) => void;
}

/** The first start failed; `exitCode` is one of EXIT_CODES, or null after a signal. */
export class HostStartFailed extends Error {
  override readonly name = "HostStartFailed";
  readonly exitCode: number | null;
  constructor(exitCode: number | null, said: string) {
    super(`the embedded host did not start (exit code ${exitCode ?? "none"}): ${said}`);
    this.exitCode = exitCode;
  }
}

export interface HostEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface HostProcess {
  readonly url: string;
  /** Of the process that serves, or served last. */
  readonly pid: number;
  /** Stops it and does not start it again. */
  stop(): Promise<void>;
  /** SIGKILL, and no new start. */
  kill(): void;
}

const RESTART_MS_MIN = 200;
const RESTART_MS_MAX = 5_000;
/** A process that has lived so long was no failed start: the next pause is short again. */
const SETTLED_MS = 30_000;
/** Its own drain takes up to 10 s. */
const STOP_MS_MAX = 15_000;
const STDERR_CHARS_MAX = 8_192;
const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

/**
 * Resolves when the host serves for the first time; from then on it is started again 200 ms after it ends, doubling to 5 s.
 * @throws HostStartFailed with what it said when the first start fails
 */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const supervisor = new Supervisor(options);
  await supervisor.start();
  return supervisor;
}

/**
 * Runs the host's program in the foreground, with this process's own streams.
 * @param args of main.ts (`export <dir> --data <dir>`, …)
 * @returns its exit code
 */
export async function runHostProgram(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [MAIN, "--", ...args], { stdio: "inherit", env: ownEnv() });
  // A terminal tells the whole group; anybody else tells this process alone.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ignore = (): void => undefined;
  process.on("SIGTERM", pass);
  process.on("SIGINT", ignore);
  try {
    return (await ending(child)) ?? EXIT_CODES.failed;
  } finally {
    process.off("SIGTERM", pass);
    process.off("SIGINT", ignore);
  }
}

/** How long after the end a process is started again, when `quickEnds` others ended soon before it. */
export function restartPauseMs(quickEnds: number): number {
  return Math.min(RESTART_MS_MIN * 2 ** quickEnds, RESTART_MS_MAX);
}

class Supervisor implements HostProcess {
  readonly #options: HostProcessOptions;
  #child: ChildProcess | null = null;
  #ended: Promise<number | null> = Promise.resolve(null);
  #url: string | null = null;
  #pid = 0;
  /** In a row, none of which came after it had settled. */
  #quickEnds = 0;
  #restart: NodeJS.Timeout | null = null;
  #isStopped = false;
  #stopped: Promise<void> | null = null;
  #said = "";

  constructor(options: HostProcessOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#url ?? "";
  }

  get pid(): number {
    return this.#pid;
  }

  async start(): Promise<void> {
    const { promise: listening, resolve } = Promise.withResolvers<string>();
    this.#launch(resolve);
    const first = await Promise.race([listening, this.#ended]);
    if (typeof first !== "string") {
      this.#isStopped = true;
      if (this.#restart !== null) clearTimeout(this.#restart);
      throw new HostStartFailed(first, this.#said.trim());
    }
  }

  /** Once for all who ask: a second signal would end the host within its drain. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const child = this.#child;
    if (child === null) return;
    child.kill("SIGTERM");
    const deadline = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await this.#ended;
    clearTimeout(deadline);
  }

  kill(): void {
    this.#isStopped = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#child?.kill("SIGKILL");
  }

  #launch(onListening: (url: string) => void): void {
    const { functionsDir, dataDir, envFile, flags = [] } = this.#options;
    // The address of the first start stays the address.
    const port = this.#url === null ? this.#options.port : Number(new URL(this.#url).port);
    const named = ["--functions", functionsDir, "--data", dataDir, "--port", String(port)];
    // Behind "--": or Node would take the flag `--env-file` for its own.
    const args = [MAIN, "--", ...named, ...(envFile === undefined ? [] : ["--env-file", envFile]), ...flags];
    // The channel tells the host when this process has ended, however it ended.
    const stdio: StdioOptions = ["ignore", "pipe", "pipe", "ipc"];
    // Its own process group: Ctrl-C in the terminal must not end it before those that work on it.
    const child = spawn(process.execPath, args, { stdio, env: this.#env(), detached: true });
    const sinceMs = performance.now();
    this.#child = child;
    this.#pid = child.pid ?? 0;
    if (child.pid !== undefined) this.#options.onPid?.(child.pid);
    this.#said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-STDERR_CHARS_MAX);
    });
    if (child.stdout !== null) {
      createInterface(child.stdout).on("line", (line) => this.#hear(line, onListening));
    }
    this.#ended = ending(child).then((code) => {
      this.#child = null;
      this.#options.onPid?.(null);
      if (performance.now() - sinceMs > SETTLED_MS) this.#quickEnds = 0;
      if (!this.#isStopped) this.#startAgain(code);
      return code;
    });
  }

  #env(): NodeJS.ProcessEnv {
    return { NODE_COMPILE_CACHE: dataPathsOf(this.#options.dataDir).compiled, ...ownEnv() };
  }

  #startAgain(code: number | null): void {
    const restartMs = restartPauseMs(this.#quickEnds);
    this.#quickEnds += 1;
    this.#options.onEvent?.({ event: "host.ended", code, stderr: this.#said, restartMs });
    this.#restart = setTimeout(() => this.#launch(() => undefined), restartMs);
  }

  #hear(line: string, onListening: (url: string) => void): void {
    let event: HostEvent;
    try {
      event = JSON.parse(line) as HostEvent;
    } catch {
      event = { event: "host.text", text: line };
    }
    if (event.event === "listening" && typeof event["address"] === "string") {
      this.#url ??= event["address"];
      onListening(event["address"]);
    }
    this.#options.onEvent?.(event);
  }
}

/** The secrets of whoever starts it are none of its business. */
const ENV_NAMES = ["PATH", "HOME", "TMPDIR", "TZ", "NODE_EXTRA_CA_CERTS", "NODE_COMPILE_CACHE"];

function ownEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    ENV_NAMES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** The exit code; null after a signal, or when it could not be started at all. */
async function ending(child: ChildProcess): Promise<number | null> {
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return code;
  } catch {
    return EXIT_CODES.failed;
  }
}
