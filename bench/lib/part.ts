import type { Rows } from "./results.ts";

export interface PartOptions {
  /** Temporary folder of this run; gone afterwards. */
  readonly dir: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly cores: number;
  /** Progress, for people who wait. */
  say(line: string): void;
}

export interface PartResult {
  readonly rows: Rows;
  /** What a reader must know of how it was measured, one sentence each. */
  readonly notes: readonly string[];
}

export type Part = (options: PartOptions) => Promise<PartResult>;
