// Which faults are on, and whether a chance fires (faults.md §1). With nothing switched on every question is one look
// at an empty list.
import { createHash } from "node:crypto";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { type FaultItem, parseFaults } from "./parse.ts";
import { FAULTS, type FaultName, type Place } from "./table.ts";

const NOTHING: readonly FaultItem[] = Object.freeze([]);

/** One request, socket or the process itself, with the items its header added. */
export interface Faultable {
  readonly place: Place;
  /** Route id of a request. */
  readonly routeId?: string;
  readonly requestId?: string;
  readonly added?: readonly FaultItem[];
}

export interface Firing {
  readonly arg: string | null;
}

/** Deterministic: the n-th chance of a name fires when its hash is below the rate. */
export function fires(seed: string, name: string, n: number, rate: number): boolean {
  const digest = createHash("sha256").update(`${seed}:${name}:${n}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32 < rate;
}

function acts(item: FaultItem, at: Faultable): boolean {
  const places: readonly Place[] = FAULTS[item.name];
  if (item.scope === null) return places.includes(at.place);
  // `all` means every answer and frame; health and internal endpoints are no place of faults.
  if (item.scope === "all") return at.place !== "process" || places.includes("process");
  return item.scope === at.place || item.scope === at.routeId;
}

export interface Switchboard {
  /** Null unless the fault is on here and this chance fires. */
  fire(name: FaultName, at: Faultable): Firing | null;
  /** Whether the fault is on at all here, without counting a chance. */
  isOn(name: FaultName, at: Faultable): boolean;
  /** Argument of the first item that acts here. */
  argOf(name: FaultName, at: Faultable): string | null;
  replace(text: string): void;
  readonly text: string;
}

export interface SwitchboardOptions {
  readonly initial: string;
  readonly seed: string;
  readonly metrics: Pick<Metrics, "faultsInjected">;
  readonly log: Log;
}

export function createSwitchboard({ initial, seed, metrics, log }: SwitchboardOptions): Switchboard {
  let items = parseFaults(initial);
  const chances = new Map<FaultName, number>();
  const acting = (name: FaultName, at: Faultable): FaultItem[] => {
    const all = at.added?.length ? [...items, ...at.added] : items;
    return all.length === 0 ? [] : all.filter((item) => item.name === name && acts(item, at));
  };
  return {
    fire(name, at) {
      if (items.length === 0 && !at.added?.length) return null;
      for (const item of acting(name, at)) {
        const n = chances.get(name) ?? 0;
        chances.set(name, n + 1);
        if (!fires(seed, name, n, item.rate)) continue;
        metrics.faultsInjected.labels({ fault: name }).inc();
        log.warn("fault", { fault: name, requestId: at.requestId });
        return { arg: item.arg };
      }
      return null;
    },
    isOn: (name, at) => (items.length > 0 || at.added !== undefined) && acting(name, at).length > 0,
    argOf: (name, at) => acting(name, at)[0]?.arg ?? null,
    replace(text) {
      items = text.trim() === "" ? NOTHING : parseFaults(text);
    },
    get text() {
      return items.map((item) => item.text).join(",");
    },
  };
}

/** Number an argument names, or the default of the table. */
export const numberArg = (firing: Firing, fallback: number): number => {
  const value = Number(firing.arg ?? "");
  return firing.arg === null || firing.arg === "" || !Number.isFinite(value) ? fallback : value;
};
