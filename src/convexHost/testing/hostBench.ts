// The host as a process over a folder of functions that the test writes, and the official clients.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { type FunctionReference, makeFunctionReference } from "convex/server";
import { type FunctionFolder, makeFunctionFolder } from "./functionFolder.ts";

const MAIN = path.resolve(import.meta.dirname, "../main.ts");
const START_MS_MAX = 60_000;

export interface Process {
  readonly child: ChildProcess;
  readonly events: Record<string, unknown>[];
  stderr: string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** The first event of that name, already logged or still to come. */
  event(name: string): Promise<Record<string, any>>;
}

/** Runs main.ts; it is killed when the test ends. */
export function runMain(t: TestContext, args: readonly string[], environment: Record<string, string> = {}): Process {
  const child = spawn(process.execPath, [MAIN, "--", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  t.after(() => void child.kill("SIGKILL"));
  const events: Record<string, unknown>[] = [];
  const waiting: (() => void)[] = [];
  createInterface(child.stdout).on("line", (line) => {
    events.push(JSON.parse(line) as Record<string, unknown>);
    for (const look of waiting) look();
  });
  const ended = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const running: Process = {
    child,
    events,
    stderr: "",
    ended,
    async event(name) {
      const { promise, resolve, reject } = Promise.withResolvers<Record<string, any>>();
      const look = () => {
        const found = events.find((event) => event["event"] === name);
        if (found !== undefined) resolve(found);
      };
      waiting.push(look);
      const deadline = setTimeout(
        () => reject(new Error(`no event "${name}" in ${START_MS_MAX} ms: ${running.stderr}`)),
        START_MS_MAX,
      );
      void ended.then(({ code, signal }) => {
        reject(new Error(`ended (${code ?? signal}) without event "${name}": ${running.stderr}`));
      });
      look();
      return promise.finally(() => clearTimeout(deadline));
    },
  };
  child.stderr.on("data", (chunk: Buffer) => (running.stderr += chunk.toString()));
  return running;
}

export interface HostBench {
  readonly folder: FunctionFolder;
  readonly dataDir: string;
  readonly url: string;
  process: Process;
  readonly http: ConvexHttpClient;
  /** Starts the process, again on the same port. */
  start(flags?: readonly string[]): Promise<Process>;
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  query(path: string, args?: object): Promise<any>;
  mutation(path: string, args?: object): Promise<any>;
  action(path: string, args?: object): Promise<any>;
  /** A client over a socket; closed when the test ends. */
  connect(): ConvexClient;
}

export const query = (name: string): FunctionReference<"query"> => makeFunctionReference<"query">(name);
export const mutation = (name: string): FunctionReference<"mutation"> => makeFunctionReference<"mutation">(name);
export const action = (name: string): FunctionReference<"action"> => makeFunctionReference<"action">(name);

/** Starts the host on `files`; `variables` are those of the deployment. */
export async function makeHostBench(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  options: { readonly variables?: string; readonly flags?: readonly string[] } = {},
): Promise<HostBench> {
  const folder = makeFunctionFolder(t, files);
  const dataDir = path.join(folder.dir, "data");
  const envFile = path.join(folder.dir, "functions.env");
  writeFileSync(envFile, options.variables ?? "");
  let port = 0;
  const args = ["--functions", folder.root, "--data", dataDir, "--env-file", envFile];
  const start = async (flags: readonly string[] = options.flags ?? []): Promise<Process> => {
    const running = runMain(t, [...args, "--port", String(port), ...flags], { SECRET_OF_THE_PROCESS: "hidden" });
    const { address } = await running.event("listening");
    port = Number(new URL(String(address)).port);
    bench.process = running;
    return running;
  };
  const bench: HostBench = {
    folder,
    dataDir,
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    process: undefined as unknown as Process,
    get http() {
      return new ConvexHttpClient(bench.url, { skipConvexDeploymentUrlCheck: true, logger: false });
    },
    start,
    async stop(signal = "SIGTERM") {
      bench.process.child.kill(signal);
      return bench.process.ended;
    },
    query: async (name, args = {}) => bench.http.query(query(name), args),
    mutation: async (name, args = {}) => bench.http.mutation(mutation(name), args, { skipQueue: true }),
    action: async (name, args = {}) => bench.http.action(action(name), args),
    connect() {
      const client = new ConvexClient(bench.url, {
        skipConvexDeploymentUrlCheck: true,
        unsavedChangesWarning: false,
        logger: false,
      });
      t.after(() => client.close());
      return client;
    },
  };
  await start();
  return bench;
}

/** Waits until `probe` gives something else than undefined or false. */
export async function eventually<T>(probe: () => Promise<T> | T, withinMs = 15_000): Promise<T> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > untilMs) throw new Error(`nothing within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
