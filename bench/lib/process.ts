import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Folder for its log; also its working directory. */
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Running {
  readonly name: string;
  readonly pid: number;
  /** What it wrote since the log was last emptied. */
  log(): string;
  /** A long bench would fill the disk with what nobody reads. */
  emptyLog(): void;
  stop(): Promise<void>;
}

const POLL_MS = 20;
const READY_MS = 20_000;
const PATIENCE_MS = 3_000;

const running = new Set<ChildProcess>();

/** Kills the group that this very child leads; a server's own workers are in it. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal); // the group is gone, or there are none on this system
  }
}

process.on("exit", () => {
  for (const child of running) signalGroup(child, "SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const environment = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: process.env["HOME"] ?? "/",
  ...extra,
});

/**
 * Starts a process with its output in a file, as a service would log, and waits until `ready` finds what it looks for
 * in that log, or returns something for another reason.
 */
export async function start<T>(
  spec: ProcessSpec,
  ready: (log: string) => T | null | Promise<T | null>,
): Promise<Running & { readonly ready: T }> {
  const logFile = join(spec.dir, `${spec.name}.log`);
  const log = openSync(logFile, "a");
  const child = spawn(spec.command, [...spec.args], {
    cwd: spec.dir,
    env: environment(spec.env),
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  running.add(child);
  const life: { ended: string | null } = { ended: null };
  const end = new Promise<void>((resolve) => {
    const finish = (how: string): void => {
      life.ended = how;
      running.delete(child);
      resolve();
    };
    child.once("error", (error) => finish(error.message));
    child.once("exit", (code, signal) => finish(`it ended with ${signal ?? code}`));
  });
  const process: Running = {
    name: spec.name,
    pid: child.pid ?? 0,
    log: () => readFileSync(logFile, "utf8"),
    emptyLog: () => truncateSync(logFile),
    async stop() {
      for (const signal of ["SIGTERM", "SIGTERM", "SIGKILL"] as const) {
        if (life.ended !== null) break;
        // The second SIGTERM cuts a drain short; there is nobody left to drain.
        signalGroup(child, signal);
        await Promise.race([end, sleep(signal === "SIGKILL" ? PATIENCE_MS : 300, undefined, { ref: false })]);
      }
      signalGroup(child, "SIGKILL"); // what a server left behind in its group
    },
  };
  const until = Date.now() + READY_MS;
  while (life.ended === null && Date.now() < until) {
    const found = await ready(process.log());
    if (found !== null) return { ...process, ready: found };
    await sleep(POLL_MS);
  }
  const why = life.ended ?? `it was not ready within ${READY_MS / 1_000} s`;
  const lastWords = process.log().split("\n").slice(-8).join("\n  ");
  await process.stop();
  throw new Error(`${spec.name} does not start: ${why}\n  ${lastWords}`);
}

/** Looks for a JSON line in a log. */
export const jsonLine =
  <T>(pick: (line: Record<string, unknown>) => T | null) =>
  (log: string): T | null => {
    for (const text of log.split("\n")) {
      if (!text.startsWith("{")) continue;
      try {
        const found = pick(JSON.parse(text) as Record<string, unknown>);
        if (found !== null) return found;
      } catch {
        // The line is not written to its end yet.
      }
    }
    return null;
  };

/** The port that a peer says it listens on. */
export const portLine = jsonLine((line) => (typeof line["port"] === "number" ? line["port"] : null));

/** Runs a process to its end and gives what it printed. @throws Error with its last words when it fails */
export async function run(spec: ProcessSpec, withinMs: number): Promise<string> {
  const child = spawn(spec.command, [...spec.args], {
    cwd: spec.dir,
    env: environment(spec.env),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const late = setTimeout(() => signalGroup(child, "SIGKILL"), withinMs);
  const how = await new Promise<string | null>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? code}`));
  });
  clearTimeout(late);
  running.delete(child);
  if (how === null) return stdout;
  throw new Error(`${spec.name} ${how}\n${(stderr || stdout).slice(-1_000)}`);
}
