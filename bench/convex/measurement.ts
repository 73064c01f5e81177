import type { Row } from "../lib/results.ts";
import type { Contestant } from "../lib/rounds.ts";
import { rounded } from "../lib/rows.ts";
import { median, quantile, ratioByRound } from "../lib/statistics.ts";

/** One row: what a round of it takes, in milliseconds. */
export interface Measurement extends Contestant {
  measure(): Promise<number>;
}

export const measurement = (name: string, measure: () => Promise<number>): Measurement => ({
  name,
  isOurs: true,
  measure,
});

/** The median time of one call, called one after the other. */
export async function medianOf(times: number, call: (time: number) => Promise<void>): Promise<number> {
  const took: number[] = [];
  for (let time = 0; time < times; time++) took.push(await timeOf(() => call(time)));
  return quantile(
    took.sort((a, b) => a - b),
    0.5,
  );
}

export async function timeOf(call: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await call();
  return performance.now() - startedMs;
}

/** Ratios are the other time over ours, so that more is better; `goal` is the time wanted. */
export function timeRow(own: readonly number[], others: Readonly<Record<string, readonly number[]>>): Row {
  const ratios: Record<string, number> = {};
  const spread: Record<string, readonly [number, number]> = {};
  for (const [name, times] of Object.entries(others)) {
    const found = ratioByRound(times, own);
    ratios[name] = rounded(found.ratio);
    spread[name] = [rounded(found.spread[0]), rounded(found.spread[1])];
  }
  return { ratios, spread, absolute: rounded(median(own)), unit: "ms" };
}
