import { ARM_OPERATIONS } from "../lib/goals.ts";
import type { Row } from "../lib/results.ts";
import { type Figure, rounded, toRows } from "../lib/rows.ts";
import { median, ratioByRound } from "../lib/statistics.ts";
import { BACKENDS, type BackendName } from "./backends.ts";

/** Of each operation, by backend, the figures of all rounds. */
export type Measured = ReadonlyMap<string, ReadonlyMap<string, readonly Figure[]>>;

export const rowName = (backend: BackendName, operation: string): string => `${backend}-${operation}`;

/** `legacy-…` and `candidate-…` of each operation, throughput and CPU, and the geometric mean of all. */
export function armRows(measured: Measured, what: Readonly<Record<string, string>>): Record<string, Row> {
  const rows: Record<string, Row> = {};
  for (const [operation, figures] of measured) {
    const contestants = BACKENDS.map((backend) => ({
      name: rowName(backend, operation),
      isOurs: backend === "candidate",
    }));
    const named = new Map(BACKENDS.map((backend) => [rowName(backend, operation), figures.get(backend) ?? []]));
    const options = { baseline: rowName("legacy", operation), what: what[operation] ?? operation };
    Object.assign(rows, toRows(contestants, named, options));
  }
  return { ...rows, [rowName("candidate", "geometric-mean")]: geometricMean(measured) };
}

function geometricMean(measured: Measured): Row {
  const ratios = ARM_OPERATIONS.map((operation) => {
    const of = (backend: BackendName): readonly number[] =>
      (measured.get(operation)?.get(backend) ?? []).map(({ perSecond }) => perSecond);
    return { of, ratio: ratioByRound(of("candidate"), of("legacy")).ratio };
  });
  const rounds = ratios[0]?.of("legacy").length ?? 0;
  const mean = (values: readonly number[]): number =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  const byRound = Array.from({ length: rounds }, (_, round) =>
    mean(ratios.map(({ of }) => (of("candidate")[round] as number) / (of("legacy")[round] as number))),
  );
  const legacy = rowName("legacy", "geometric-mean");
  const found = rounded(median(byRound));
  return {
    ratios: { [legacy]: found },
    spread: { [legacy]: [rounded(Math.min(...byRound)), rounded(Math.max(...byRound))] },
    absolute: found,
    unit: "× legacy",
  };
}
