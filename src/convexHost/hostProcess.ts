// Starts the host as a process of its own and starts it again when it ends (embedded-convex §2).
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { EXIT_CODES } from "./exitCodes.ts";

export interface HostProcessOptions {
  readonly functionsDir: string;
  readonly dataDir: string;
  /** 0: any that is free, and the same one after a restart. */
  readonly port: number;
  readonly envFile?: string;
  /** More of main.ts's flags. */
  readonly flags?: readonly string[];
  /** Told of every line that the process logs. */
  readonly onEvent?: (event: HostEvent) => void;
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
 * @throws Error with what it said when the first start fails
 */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const supervisor = new Supervisor(options);
  await supervisor.start();
  return supervisor;
}

class Supervisor implements HostProcess {
  readonly #options: HostProcessOptions;
  #child: ChildProcess | null = null;
  #ended: Promise<number | null> = Promise.resolve(null);
  #url: string | null = null;
  #pid = 0;
  #pauseMs = RESTART_MS_MIN;
  #restart: NodeJS.Timeout | null = null;
  #isStopped = false;
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
      throw new Error(`the embedded host did not start (exit code ${first ?? "none"}): ${this.#said.trim()}`);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const child = this.#child;
    if (child === null) return;
    child.kill("SIGTERM");
    const deadline = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await this.#ended;
    clearTimeout(deadline);
  }

  #launch(onListening: (url: string) => void): void {
    const { functionsDir, dataDir, envFile, flags = [] } = this.#options;
    // The address of the first start stays the address.
    const port = this.#url === null ? this.#options.port : Number(new URL(this.#url).port);
    const named = ["--functions", functionsDir, "--data", dataDir, "--port", String(port)];
    // Behind "--": or Node would take the flag `--env-file` for its own.
    const args = [MAIN, "--", ...named, ...(envFile === undefined ? [] : ["--env-file", envFile]), ...flags];
    // The channel tells the host when this process has ended, however it ended.
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
    const sinceMs = performance.now();
    this.#child = child;
    this.#pid = child.pid ?? 0;
    this.#said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-STDERR_CHARS_MAX);
    });
    if (child.stdout !== null) {
      createInterface(child.stdout).on("line", (line) => this.#hear(line, onListening));
    }
    this.#ended = ending(child).then((code) => {
      this.#child = null;
      if (performance.now() - sinceMs > SETTLED_MS) this.#pauseMs = RESTART_MS_MIN;
      if (!this.#isStopped) this.#startAgain(code);
      return code;
    });
  }

  #startAgain(code: number | null): void {
    this.#options.onEvent?.({ event: "host.ended", code, stderr: this.#said, restartMs: this.#pauseMs });
    this.#restart = setTimeout(() => this.#launch(() => undefined), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, RESTART_MS_MAX);
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

/** The exit code; null after a signal, or when it could not be started at all. */
async function ending(child: ChildProcess): Promise<number | null> {
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return code;
  } catch {
    return EXIT_CODES.failed;
  }
}
