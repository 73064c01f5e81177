import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../lib/process.ts";
import type { Load, LoadResult } from "./load.ts";

/** Turns that a slice may need. */
export const TURNS_FACTOR = 4;
const CLIENT = fileURLToPath(new URL("./autocannonClient.ts", import.meta.url));

/** Calls at a fixed rate, with the time that each answer took. */
export interface Paced extends LoadResult {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What one address gave. */
export interface RoundsOf {
  /** The times of each are those of the middle one of its slices. */
  readonly rounds: readonly Paced[];
  /** Of all calls of all rounds, whatever the machine did meanwhile. */
  readonly p99Ms: number;
}

export interface InTurn {
  readonly rounds: number;
  /** Of each address in a round. */
  readonly slices: number;
  /** While the rounds of the first address differ by more at p99, all get as many slices again, up to the most. */
  readonly agree?: { readonly spreadMax: number; readonly slicesMax: number };
  /** Of a slice. */
  readonly seconds: number;
  readonly callsPerSecond: number;
}

export interface AutocannonLoad extends Load {
  /**
   * The same rate at each address in turn, slice by slice; for each address a result of each round. The slices of a round lie spread
   * over the whole run, so that what the machine does meanwhile hits all addresses and all rounds alike; turns in which a hypervisor
   * takes it away are made again.
   */
  inTurn(urls: readonly string[], options: InTurn): Promise<readonly RoundsOf[]>;
  paced(url: string, options: { readonly seconds: number; readonly callsPerSecond: number }): Promise<Paced>;
}

/** Load by autocannon in a process of its own: it shares its loop with nobody. */
export function createAutocannonLoad(dir: string, tokens: readonly string[], path: string): AutocannonLoad {
  const file = join(dir, "tokens.json");
  writeFileSync(file, JSON.stringify(tokens));
  const client = async (settings: Readonly<Record<string, unknown>>, seconds: number, withinS: number) => {
    const args = [CLIENT, JSON.stringify({ ...settings, seconds, path, tokensFile: file })];
    const spec = { name: "autocannon", command: process.execPath, args, dir };
    return JSON.parse(await run(spec, withinS * 1_000)) as readonly RoundsOf[];
  };
  const one = async (url: string, settings: object, seconds: number): Promise<Paced> =>
    (await client({ ...settings, urls: [url] }, seconds, seconds + 20))[0]?.rounds[0] as Paced;
  return {
    name: "autocannon",
    run: (url, { seconds, connections }) => one(url, { connections }, seconds),
    paced: (url, { seconds, callsPerSecond }) => one(url, { callsPerSecond }, seconds),
    inTurn: (urls, { rounds, slices, agree, seconds, callsPerSecond }) => {
      const most = Math.max(slices, agree?.slicesMax ?? 0);
      const withinS = (TURNS_FACTOR * rounds * most + 1) * urls.length * (seconds + 2) + 20;
      return client({ urls, rounds, slices, agree, callsPerSecond }, seconds, withinS);
    },
  };
}
