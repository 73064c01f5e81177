import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../lib/process.ts";
import type { Load, LoadResult } from "./load.ts";

const CLIENT = fileURLToPath(new URL("./autocannonClient.ts", import.meta.url));

/** Calls at a fixed rate, with the time that each answer took. */
export interface Paced extends LoadResult {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface AutocannonLoad extends Load {
  paced(url: string, options: { readonly seconds: number; readonly callsPerSecond: number }): Promise<Paced>;
}

/** Load by autocannon in a process of its own: it shares its loop with nobody. */
export function createAutocannonLoad(dir: string, tokens: readonly string[], path: string): AutocannonLoad {
  const file = join(dir, "tokens.json");
  writeFileSync(file, JSON.stringify(tokens));
  const client = async (settings: object, seconds: number): Promise<Paced> => {
    const args = [CLIENT, JSON.stringify({ ...settings, seconds, path, tokensFile: file })];
    const spec = { name: "autocannon", command: process.execPath, args, dir };
    return JSON.parse(await run(spec, (seconds + 20) * 1_000)) as Paced;
  };
  return {
    name: "autocannon",
    run: (url, { seconds, connections }) => client({ url, connections }, seconds),
    paced: (url, { seconds, callsPerSecond }) => client({ url, callsPerSecond }, seconds),
  };
}
