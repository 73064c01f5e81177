// Whether memory stays flat (goal 6 of embedded-convex.md §9). Pure.
import type { Row } from "../lib/results.ts";
import { rounded } from "../lib/rows.ts";
import { median } from "../lib/statistics.ts";

export interface Memory {
  /** What a collection of garbage left. */
  readonly keptBytes: number;
  readonly residentBytes: number;
}

const SAMPLES_MIN = 20;

/** The middle of the second half over that of the first. */
export function growthOf(samples: readonly number[]): number {
  if (samples.length < SAMPLES_MIN) throw new RangeError(`growth needs ${SAMPLES_MIN} samples, not ${samples.length}`);
  const half = samples.length >> 1;
  return median(samples.slice(-half)) / median(samples.slice(0, half));
}

/** The ratio is the first half over the second, so that more is better; the spread is that of two quarters each. */
function growthRow(samples: readonly number[]): Row {
  const quarter = samples.length >> 2;
  const of = (at: number): number => median(samples.slice(at * quarter, (at + 1) * quarter));
  const ratio = rounded(1 / growthOf(samples));
  const quarters = [of(0) / of(2), of(1) / of(3), ratio].map(rounded);
  return {
    ratios: { "first half": ratio },
    spread: { "first half": [Math.min(...quarters), Math.max(...quarters)] },
    absolute: rounded(growthOf(samples) * 100),
    unit: "% of the first half",
  };
}

/** @param over what was done meanwhile, for the rows' names */
export const growthRows = (samples: readonly Memory[], over: string): Readonly<Record<string, Row>> => ({
  [`heap-${over}`]: growthRow(samples.map(({ keptBytes }) => keptBytes)),
  [`resident-${over}`]: growthRow(samples.map(({ residentBytes }) => residentBytes)),
});
