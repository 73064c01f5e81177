import type { Row } from "./results.ts";
import type { Contestant } from "./rounds.ts";
import { median, ratioByRound } from "./statistics.ts";

/** What one measurement gave: of the work per second, and per CPU-second of all processes of the contestant. */
export interface Figure {
  readonly perSecond: number;
  /** Null where the system does not tell. */
  readonly perCpuSecond: number | null;
  /** Cores used by the contestant's processes, and by the upstream's. */
  readonly coresUsed: number;
  readonly upstreamCoresUsed: number;
}

export interface RowOptions {
  /** Whom the peers are compared with; ours are compared with everybody. */
  readonly baseline: string;
  /** "requests" or "messages". */
  readonly what: string;
}

type Figures = ReadonlyMap<string, readonly Figure[]>;

/** A row and a row `…-cpu` for each contestant. */
export function toRows(contestants: readonly Contestant[], figures: Figures, options: RowOptions): Record<string, Row> {
  const rows: Record<string, Row> = {};
  const perSecond = (name: string) => (figures.get(name) ?? []).map((figure) => figure.perSecond);
  const perCpu = (name: string) => (figures.get(name) ?? []).map((figure) => figure.perCpuSecond);
  for (const { name, isOurs } of contestants) {
    const others = contestants
      .map((one) => one.name)
      .filter((one) => one !== name && (isOurs || one === options.baseline));
    rows[name] = row(perSecond(name), perSecond, others, median(perSecond(name)), `${options.what}/s`);
    const own = known(perCpu(name));
    if (own === null) continue;
    const cpuOthers = others.filter((one) => known(perCpu(one)) !== null);
    const per1000 = 1_000 / median(own);
    const unit = `CPU-seconds per 1,000 ${options.what}`;
    rows[`${name}-cpu`] = row(own, (one) => known(perCpu(one)) ?? [], cpuOthers, per1000, unit);
  }
  return rows;
}

function row(
  own: readonly number[],
  of: (name: string) => readonly number[],
  others: readonly string[],
  absolute: number,
  unit: string,
): Row {
  const ratios: Record<string, number> = {};
  const spread: Record<string, readonly [number, number]> = {};
  for (const other of others) {
    const { ratio, spread: range } = ratioByRound(own, of(other));
    ratios[other] = rounded(ratio);
    spread[other] = [rounded(range[0]), rounded(range[1])];
  }
  return { ratios, spread, absolute: rounded(absolute), unit };
}

const known = (values: readonly (number | null)[]): readonly number[] | null =>
  values.length > 0 && values.every((value) => value !== null && Number.isFinite(value)) ? (values as number[]) : null;

/** Four digits: more would claim what one run cannot know. */
export const rounded = (value: number): number => Number(value.toPrecision(4));
