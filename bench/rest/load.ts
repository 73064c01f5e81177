import { findProgram } from "../lib/programs.ts";
import { createAutocannonLoad } from "./autocannonLoad.ts";
import { createWrkLoad } from "./wrkLoad.ts";

export interface LoadResult {
  readonly calls: number;
  /** Anything but a whole answer with status 2xx, as far as the tool sees it. */
  readonly failures: number;
  readonly seconds: number;
}

/** Drives as many calls as go through. */
export interface Load {
  readonly name: string;
  run(url: string, options: { readonly seconds: number; readonly connections: number }): Promise<LoadResult>;
}

/** `wrk` where it is installed: it takes a fifth of a core where autocannon takes a whole one. */
export function createLoad(dir: string, tokens: readonly string[], path: string): Load {
  const wrk = findProgram("wrk");
  return wrk === null ? createAutocannonLoad(dir, tokens, path) : createWrkLoad(wrk, dir, tokens, path);
}
