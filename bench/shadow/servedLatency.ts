// What the served side feels of the shadow: the same rate with it and without, in turn (performance.md P2, P8).
import type { Row } from "../lib/results.ts";
import { rounded } from "../lib/rows.ts";
import { median, ratioByRound } from "../lib/statistics.ts";
import { VoidMeasurement } from "../lib/void.ts";
import type { AutocannonLoad, RoundsOf } from "../rest/autocannonLoad.ts";
import type { ShadowContestant } from "./contestants.ts";

interface Felt {
  readonly p99Ms: number;
  readonly stallMs: number;
}

export interface FeltRound {
  readonly on: Felt;
  readonly off: Felt;
}

const SAY_MS = 5_000;
const LOOK_MS = 20;
/** shadow.md §17: what differs more by itself says nothing of the shadow. */
const OFF_SPREAD_MAX = 1.1;

export interface PaceOptions {
  readonly load: AutocannonLoad;
  readonly on: ShadowContestant;
  readonly off: ShadowContestant;
  readonly callsPerSecond: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** Of each of the two in a round: the machine's own slow moments are longer than a slice, and hit both. */
const SLICES = 4;
/** A run whose rounds without a shadow differ is not passed (shadow.md §17), but made longer: a p99 of more calls varies less. */
const SLICES_MAX = 16;

export interface FeltRounds {
  readonly rounds: readonly FeltRound[];
  /** p99 of all calls of all rounds. */
  readonly wholeMs: Readonly<Record<"on" | "off", number>>;
}

/** p99 of all rounds slice by slice, the loop's stall one round after the other, each beginning with the other one of the two. */
export async function feelRounds(options: PaceOptions): Promise<FeltRounds> {
  const [off, on] = await timesOf(options, [options.off, options.on]);
  const rounds: FeltRound[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const times = { on: on?.rounds[round]?.p99Ms, off: off?.rounds[round]?.p99Ms };
    const felt: Partial<Record<"on" | "off", Felt>> = {};
    for (const which of round % 2 === 0 ? (["on", "off"] as const) : (["off", "on"] as const)) {
      felt[which] = { p99Ms: times[which] ?? Number.NaN, stallMs: await stall(options, options[which]) };
    }
    rounds.push(felt as FeltRound);
  }
  return { rounds, wholeMs: { on: on?.p99Ms ?? Number.NaN, off: off?.p99Ms ?? Number.NaN } };
}

async function timesOf(
  { load, callsPerSecond, seconds, rounds }: PaceOptions,
  both: readonly ShadowContestant[],
): Promise<readonly RoundsOf[]> {
  const results = await load.inTurn(
    both.map(({ url }) => url),
    // A single round proves only that a part works.
    {
      rounds,
      slices: rounds === 1 ? 1 : SLICES,
      agree: { spreadMax: OFF_SPREAD_MAX, slicesMax: SLICES_MAX },
      seconds,
      callsPerSecond,
    },
  );
  for (const [at, one] of results.entries()) {
    for (const { failures, calls } of one.rounds) {
      if (failures > 0) throw new VoidMeasurement(`${both[at]?.name}: ${failures} of ${calls} calls failed`);
    }
  }
  return results;
}

async function stall({ load, callsPerSecond, seconds }: PaceOptions, one: ShadowContestant): Promise<number> {
  one.running.emptyLog();
  process.kill(one.running.pid, "SIGUSR2");
  await load.paced(one.url, { seconds, callsPerSecond });
  process.kill(one.running.pid, "SIGUSR2");
  return stallOf(one);
}

async function stallOf({ name, running }: ShadowContestant): Promise<number> {
  const until = Date.now() + SAY_MS;
  for (;;) {
    const said = /^\{"stallP99Ms":([\d.e+-]+)\}$/m.exec(running.log())?.[1];
    if (said !== undefined) return Number(said);
    if (Date.now() > until) throw new VoidMeasurement(`${name} does not say how long its loop was held up`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Greatest over least p99 without a shadow. */
export function offSpread(rounds: readonly FeltRound[]): number {
  const values = rounds.map(({ off }) => off.p99Ms);
  return Math.max(...values) / Math.min(...values);
}

export const isVoid = (rounds: readonly FeltRound[]): boolean => offSpread(rounds) > OFF_SPREAD_MAX;

/** Ratios are `off ÷ on`, so that more is better here too. */
export function feltRow(rounds: readonly FeltRound[], pick: (felt: Felt) => number): Row {
  // A loop that was not held up at all still has a ratio.
  const value = (felt: Felt): number => Math.max(LEAST_MS, pick(felt));
  const [on, off] = [rounds.map((round) => value(round.on)), rounds.map((round) => value(round.off))];
  const { ratio, spread } = ratioByRound(off, on);
  return {
    ratios: { "shadow-off": rounded(ratio) },
    spread: { "shadow-off": [rounded(spread[0]), rounded(spread[1])] },
    absolute: rounded(median(on)),
    unit: "ms",
  };
}

/** Of all calls: what is seldom and hits a few slices only counts here. */
export function wholeRow({ on, off }: FeltRounds["wholeMs"]): Row {
  const ratio = rounded(off / on);
  return {
    ratios: { "shadow-off": ratio },
    spread: { "shadow-off": [ratio, ratio] },
    absolute: rounded(on),
    unit: "ms",
  };
}

const LEAST_MS = 0.001;
