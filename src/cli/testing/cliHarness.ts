import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const MAIN = join(ROOT, "src", "main.ts");
export const LAUNCHER = join(ROOT, "scripts", "switchyard.mjs");

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a configuration of its own, where the real process is run as a person would. */
export interface CliHarness {
  readonly folder: string;
  readonly configFile: string;
  readonly flagFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs one command to its end. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliResult>;
  /** Starts one command that ends only when told to. */
  watch(args: readonly string[]): WatchedCli;
  /** Starts `run`; resolves once the banner is out. */
  start(options?: { readonly isLaunched?: boolean }): Promise<RunningCli>;
  close(): Promise<void>;
}

export interface WatchedCli {
  signal(name: NodeJS.Signals): void;
  /** Resolves when what it printed so far, on either stream, holds the text. */
  said(pattern: RegExp): Promise<void>;
  readonly ended: Promise<CliResult>;
}

export interface RunningCli extends WatchedCli {
  readonly adminUrl: string;
  readonly proxyUrl: string;
}

const CONFIG = (stateDir: string): string => `listen: 127.0.0.1:0
arms:
  control: { backend: legacy, url: http://127.0.0.1:9 }
  candidate: { backend: convex, url: http://127.0.0.1:7 }
identity: { jwt: { algorithms: [HS256], secretEnv: JWT_SECRET_KEY } }
flags: { source: file }
admin: { listen: 127.0.0.1:0 }
drain: { delay: 0s }
stateDir: ${stateDir}
units:
  orders: { routes: ["GET /orders/:id", "WS /events/:id"] }
  accounts: { fixed: control, routes: ["POST /login"] }
`;

export async function createCliHarness(): Promise<CliHarness> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-cli-"));
  const stateDir = join(folder, "state");
  const configFile = join(folder, "switchyard.config.yaml");
  await writeFile(configFile, CONFIG(stateDir));
  const children = new Set<ChildProcess>();
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, USER: "ada", JWT_SECRET_KEY: "s".repeat(48) };
  const launch = (args: readonly string[], more: Readonly<Record<string, string>>) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...env, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    return observe(child, () => children.delete(child));
  };
  return {
    folder,
    configFile,
    flagFile: join(stateDir, "flags.json"),
    env,
    run: (args, more = {}) => launch([MAIN, ...args], more).ended,
    watch: (args) => launch([MAIN, ...args], {}),
    async start({ isLaunched = false } = {}) {
      const observed = launch([isLaunched ? LAUNCHER : MAIN, "run"], {});
      await observed.said(/admin +http/);
      const addressOf = (name: string): string => new RegExp(`${name} +(http\\S+)`).exec(observed.stderr())?.[1] ?? "";
      const { said, signal, ended } = observed;
      return { adminUrl: addressOf("admin"), proxyUrl: addressOf("proxy"), said, signal, ended };
    },
    async close() {
      for (const child of children) child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const SAID_MS = 30_000;

function observe(child: ChildProcess, onEnd: () => void) {
  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const check of waiting) check();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const check of waiting) check();
  });
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      onEnd();
      for (const check of waiting) check();
      resolve({ code, stdout, stderr });
    });
  });
  const said = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const isSaid = pattern.test(stdout + stderr);
        if (!isSaid && child.exitCode === null && child.signalCode === null) return;
        waiting.delete(check);
        clearTimeout(deadline);
        if (isSaid) resolve();
        else reject(new Error(`it ended and never said ${pattern}: ${stdout}${stderr}`));
      };
      const deadline = setTimeout(() => {
        waiting.delete(check);
        reject(new Error(`it did not say ${pattern} in ${SAID_MS} ms: ${stdout}${stderr}`));
      }, SAID_MS);
      waiting.add(check);
      check();
    });
  return { ended, said, stderr: () => stderr, signal: (name: NodeJS.Signals) => void child.kill(name) };
}
