// The real functions on the embedded host (Convex-compatible), a process of its own that is reached by URL only.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "../config.ts";
import { convexVariables, envFileText } from "../convexEnv.ts";

const MAIN = fileURLToPath(new URL("../../convexHost/main.ts", import.meta.url));
const FUNCTIONS = fileURLToPath(new URL("../../../convex", import.meta.url));

export interface EmbeddedHost {
  readonly url: string;
  stop(): Promise<void>;
  /** At the same address, on the same data. */
  startAgain(): Promise<void>;
}

/** `env` is that of the service: its `DATA_DIR` holds the host's folder, its keys sign what the host believes. */
export async function startEmbeddedHost(env: Environment): Promise<EmbeddedHost> {
  const dataDir = env["DATA_DIR"] ?? "";
  mkdirSync(dataDir, { recursive: true });
  const envFile = join(dataDir, "host.env");
  writeFileSync(envFile, envFileText(convexVariables(env)));
  let child: ChildProcess;
  let url = "";
  const start = async (): Promise<void> => {
    const place = ["--functions", FUNCTIONS, "--data", join(dataDir, "convex"), "--env-file", envFile];
    const port = url === "" ? "0" : new URL(url).port;
    child = spawn(process.execPath, [MAIN, "--", ...place, "--port", port], { env: { PATH: process.env["PATH"] } });
    url = await listening(child);
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  await start();
  return { url, stop, startAgain: start };
}

async function listening(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
    const address = /"event":"listening".*?"address":"([^"]+)"/.exec(said)?.[1];
    if (address !== undefined) resolve(address);
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  child.once("exit", (code) => reject(new Error(`the host ended (${code}): ${said}`)));
  return promise;
}
