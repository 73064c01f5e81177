import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { within } from "./deadline.ts";
import type { Json } from "./json.ts";

export interface ServiceSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly readyWithinMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Lines kept per process; older ones are dropped so that a chatty service cannot fill the memory. */
const LINES_MAX = 20_000;

const running = new Set<ChildProcess>();

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal); // the group this very child leads
  } catch {
    child.kill(signal);
  }
}

process.on("exit", () => {
  for (const child of running) killGroup(child, "SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(130));
}

function parseLine(line: string): Json | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Starts a process with exactly the given environment (plus PATH and HOME) and collects what it prints. */
export function launch(spec: ServiceSpec) {
  const child = spawn(spec.command, [...spec.args], {
    cwd: spec.cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", TZ: "UTC", ...spec.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  running.add(child);
  const stdout: string[] = [];
  const stderr: string[] = [];
  const watchers = new Set<(line: string) => void>();
  const collect = (into: string[]) => (line: string) => {
    into.push(line);
    if (into.length > LINES_MAX) into.shift();
    for (const watch of watchers) watch(line);
  };
  createInterface({ input: child.stdout }).on("line", collect(stdout));
  createInterface({ input: child.stderr }).on("line", collect(stderr));
  const exited = new Promise<Exit>((resolve) => {
    child.once("error", (error) => {
      stderr.push(String(error));
      resolve({ code: null, signal: null });
    });
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
  return {
    name: spec.name,
    pid: child.pid ?? 0,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    stdout,
    stderr,
    /** JSON log lines printed so far. */
    logLines: (): Json[] => stdout.map(parseLine).filter((line) => line !== undefined),
    exited: (timeoutMs = 15_000) => within(exited, timeoutMs, `end of ${spec.name}`),
    signal: (signal: NodeJS.Signals) => killGroup(child, signal),
    /** Resolves with the first printed JSON line that matches; rejects when the process ends before. */
    line(matches: (line: Json) => boolean, timeoutMs: number): Promise<Json> {
      const found = new Promise<Json>((resolve, reject) => {
        const watch = (text: string) => {
          const line = parseLine(text);
          if (line === undefined || line === null || !matches(line)) return;
          watchers.delete(watch);
          resolve(line);
        };
        watchers.add(watch);
        stdout.forEach(watch);
        void exited.then(({ code, signal }) =>
          reject(
            new Error(`${spec.name} ended (${code ?? signal}) before it was ready:\n${stderr.slice(-15).join("\n")}`),
          ),
        );
      });
      return within(found, timeoutMs, `${spec.name} (${stderr.slice(-5).join(" | ")})`);
    },
    async stop(timeoutMs = 15_000): Promise<Exit> {
      killGroup(child, "SIGTERM");
      try {
        return await within(exited, timeoutMs, `stop of ${spec.name}`);
      } catch {
        killGroup(child, "SIGKILL");
        return exited;
      }
    },
  };
}

export type Launched = ReturnType<typeof launch>;

export interface Service extends Launched {
  readonly host: string;
  readonly port: number;
  readonly baseUrl: string;
}

/** The port a `listening` line names: the arms print `port`, the proxy its whole `address`. */
function portOf(line: Json): number {
  if (line.msg !== "listening") return 0;
  return Number(line.port ?? new URL(String(line.address)).port);
}

/** One after the other, and all of them: what was left running would hold up the whole file. @throws what the first one did */
export async function stopAll(parts: Iterable<{ stop(): Promise<unknown> }>): Promise<void> {
  const problems: unknown[] = [];
  for (const part of parts) await part.stop().catch((error: unknown) => void problems.push(error));
  if (problems.length > 0) throw problems[0];
}

/** Launches a service and waits for its `listening` line, which carries the real port. */
export async function startService(spec: ServiceSpec): Promise<Service> {
  const launched = launch(spec);
  try {
    const port = portOf(await launched.line((line) => portOf(line) > 0, spec.readyWithinMs ?? 30_000));
    return Object.assign(launched, { host: "127.0.0.1", port, baseUrl: `http://127.0.0.1:${port}` });
  } catch (error) {
    launched.signal("SIGKILL");
    throw error;
  }
}
