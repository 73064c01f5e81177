import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { jsonLine, type Running, start } from "../lib/process.ts";
import { VoidMeasurement } from "../lib/void.ts";
import { INSPECTOR_FLAG } from "./inspector.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const ENTRY = join(ROOT, "src/convexHost/main.ts");

export interface BenchHost extends Running {
  readonly url: string;
  /** Resident memory, as the host itself tells it. */
  residentBytes(): Promise<number>;
}

interface HostOptions {
  readonly name: string;
  readonly dir: string;
  readonly functionsDir: string;
  /** Of the functions. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** The embedded host as shipped, as a process of its own over an empty folder. */
export async function startHost({ name, dir, functionsDir, variables = {} }: HostOptions): Promise<BenchHost> {
  const envFile = join(dir, `${name}.env`);
  const lines = Object.entries(variables).map(([variable, value]) => `${variable}=${value}\n`);
  writeFileSync(envFile, lines.join(""), { mode: 0o600 });
  const flags = [
    "--functions",
    functionsDir,
    "--data",
    join(dir, `${name}-data`),
    "--port",
    "0",
    "--env-file",
    envFile,
  ];
  // Behind "--": Node would take `--env-file` for its own.
  const args = [INSPECTOR_FLAG, ENTRY, "--", ...flags];
  const address = jsonLine((line) => (line["event"] === "listening" ? String(line["address"]) : null));
  const started = await start({ name, command: process.execPath, args, dir }, address);
  return { ...started, url: started.ready, residentBytes: () => readResident(started.ready) };
}

async function readResident(url: string): Promise<number> {
  const reply = await fetch(`${url}/metrics`);
  const value = Number(/^embedded_host_resident_memory_bytes (\d+)$/m.exec(await reply.text())?.[1]);
  if (value > 0) return value;
  throw new VoidMeasurement(`the metrics of the host (${reply.status}) tell no resident memory`);
}
