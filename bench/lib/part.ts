import type { Running } from "./process.ts";
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

/** A part of what measures everything; the processes it put into `running` are stopped however it ends. */
export const partOf =
  (measureAll: (options: PartOptions, running: Running[]) => Promise<PartResult>): Part =>
  async (options) => {
    const running: Running[] = [];
    try {
      return await measureAll(options, running);
    } finally {
      await Promise.all(running.map((one) => one.stop()));
    }
  };
