// Faults of the surroundings (contract faults.md §§1, 4): the same misbehaviour for every request, at a rate.
import { createHash } from "node:crypto";
import { SLOW_DEFAULT_MS, SLOW_MAX_MS } from "./bangWords.ts";

export const FAULT_NAMES = ["m429", "m500", "mslow", "mcut", "mbadjson"] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

export interface FaultItem {
  readonly name: FaultName;
  readonly rate: number;
  readonly ms: number;
}

/** The switch text is wrong; the message says where. */
export class FaultSyntaxError extends Error {}

const isFaultName = (name: string): name is FaultName => (FAULT_NAMES as readonly string[]).includes(name);

function parseRate(text: string | undefined, item: string): number {
  if (text === undefined || text === "") return 1;
  const rate = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (rate >= 0 && rate <= 1) return rate;
  throw new FaultSyntaxError(`fault "${item}": the rate must be a number from 0 to 1`);
}

function parseMs(name: FaultName, text: string | undefined, item: string): number {
  if (text === undefined || text === "") return SLOW_DEFAULT_MS;
  if (name !== "mslow") throw new FaultSyntaxError(`fault "${item}": ${name} takes no argument`);
  if (/^\d{1,6}$/.test(text) && Number(text) <= SLOW_MAX_MS) return Number(text);
  throw new FaultSyntaxError(`fault "${item}": the argument must be milliseconds from 0 to ${SLOW_MAX_MS}`);
}

function parseItem(item: string): FaultItem {
  const [scoped = "", rate, arg, ...rest] = item.split(":");
  const [name = "", scope, ...more] = scoped.split("@");
  if (!isFaultName(name)) {
    throw new FaultSyntaxError(`fault "${item}": unknown name; known are ${FAULT_NAMES.join(", ")}`);
  }
  // Every request of this server is one and the same place, so the only scope is the whole.
  if (more.length > 0 || (scope !== undefined && scope !== "all")) {
    throw new FaultSyntaxError(`fault "${item}": the only scope here is "all"`);
  }
  if (rest.length > 0) throw new FaultSyntaxError(`fault "${item}": the form is name[:rate[:arg]]`);
  return { name, rate: parseRate(rate, item), ms: parseMs(name, arg, item) };
}

/** `name[:rate[:arg]],…`; blank text = none. Throws FaultSyntaxError. */
export function parseFaults(text: string): FaultItem[] {
  if (text.trim() === "") return [];
  return text.split(",").map((item) => parseItem(item.trim()));
}

/** The n-th chance of a fault fires when the first 4 bytes of SHA-256(`seed:name:n`) / 2^32 < rate (faults.md §1). */
export const fires = (seed: string, name: string, n: number, rate: number): boolean =>
  createHash("sha256").update(`${seed}:${name}:${n}`).digest().readUInt32BE(0) / 2 ** 32 < rate;

export interface FaultSwitch {
  /** The faults that hit this request; counts one chance of each that is on. */
  roll(): readonly FaultItem[];
  set(items: readonly FaultItem[]): void;
  text(): string;
}

const itemText = ({ name, rate, ms }: FaultItem): string => `${name}:${rate}${name === "mslow" ? `:${ms}` : ""}`;

/** The only state of the server. Chances are counted per name from 0, for the life of the process. */
export function createFaultSwitch(initial: readonly FaultItem[], seed: string): FaultSwitch {
  const chances = new Map<FaultName, number>();
  let on = initial;
  return {
    roll: () =>
      on.filter(({ name, rate }) => {
        const n = chances.get(name) ?? 0;
        chances.set(name, n + 1);
        return fires(seed, name, n, rate);
      }),
    set: (items) => {
      on = items;
    },
    text: () => on.map(itemText).join(","),
  };
}
