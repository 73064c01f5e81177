// Faults of the process itself: per request or frame, and those timed from the start (faults.md §2).
import type { Faultable, Switchboard } from "./switchboard.ts";
import { numberArg } from "./switchboard.ts";

const KILLED = 137;
const PROCESS: Faultable = { place: "process" };

const kept: Buffer[] = [];

function burn(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) Math.sqrt(until);
}

/** Called once per request and inbound frame. */
export function strain(faults: Switchboard, at: Faultable): void {
  const growth = faults.fire("mem-growth", at);
  if (growth) kept.push(Buffer.alloc(numberArg(growth, 256) * 1_024, 1));
  const busy = faults.fire("cpu-burn", at);
  if (busy) burn(numberArg(busy, 50));
  // With an argument the crash is timed from the start, below.
  if (faults.isOn("crash", at) && !Number(faults.argOf("crash", at)) && faults.fire("crash", at)) process.exit(KILLED);
}

export function armTimedCrash(faults: Switchboard): void {
  const ms = Number(faults.argOf("crash", PROCESS));
  if (ms > 0) setTimeout(() => faults.fire("crash", PROCESS) && process.exit(KILLED), ms).unref();
}

export const crashMidTurn = (faults: Switchboard, at: Faultable): void => {
  if (faults.fire("crash-mid-turn", at)) process.exit(KILLED);
};

/** `ready-lies`: every store access fails while `/readyz` says otherwise. */
export const isStoreDown = (faults: Switchboard): boolean => faults.fire("ready-lies", PROCESS) !== null;

export const isNotReady = (faults: Switchboard, at: Faultable): boolean => faults.fire("not-ready", at) !== null;

export const claimsReady = (faults: Switchboard): boolean => faults.isOn("ready-lies", PROCESS);

/** `clock-skew` in ms: steady while it is on, so that times stay ordered. */
export const skewMs = (faults: Switchboard): number =>
  faults.isOn("clock-skew", PROCESS) && faults.fire("clock-skew", PROCESS)
    ? numberArg({ arg: faults.argOf("clock-skew", PROCESS) }, 90) * 1_000
    : 0;
