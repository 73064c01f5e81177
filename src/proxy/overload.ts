import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../kernel/index.ts";

/** The last line of defence (security §11): refusing a part early keeps the rest served. */
export interface Overload {
  /** Whether this new call is refused to stay alive. */
  shouldShed(): boolean;
  /** No new sockets: memory is short. */
  isMemoryShort(): boolean;
  readonly shedRatio: number;
  stop(): void;
}

export interface OverloadReading {
  /** p99 of the event loop's delay since the last reading. */
  readonly loopDelayMs: number;
  readonly memoryBytes: number;
}

export interface OverloadState {
  readonly lateSinceMs: number | null;
  readonly shedRatio: number;
  readonly memory: "ok" | "no-sockets" | "no-connections";
}

export const OVERLOAD_START: OverloadState = { lateSinceMs: null, shedRatio: 0, memory: "ok" };

const LATE_MS = 200;
const LATE_FOR_MS = 5_000;
const FIRST_SHED = 0.1;
const SHED_MAX = 0.8;
const MEMORY_SOCKETS = 0.75;
const MEMORY_CONNECTIONS = 0.85;

/** Pure: 200 ms late for 5 s sheds a tenth, doubling every further 5 s; a calm reading halves it. */
export function nextOverload(
  state: OverloadState,
  reading: OverloadReading,
  limits: { readonly memoryBytesMax: number },
  nowMs: number,
): OverloadState {
  const share = reading.memoryBytes / limits.memoryBytesMax;
  const memory = share > MEMORY_CONNECTIONS ? "no-connections" : share > MEMORY_SOCKETS ? "no-sockets" : "ok";
  if (reading.loopDelayMs <= LATE_MS) {
    const shedRatio = state.shedRatio <= FIRST_SHED / 2 ? 0 : state.shedRatio / 2;
    return { lateSinceMs: null, shedRatio, memory };
  }
  const lateSinceMs = state.lateSinceMs ?? nowMs;
  if (nowMs - lateSinceMs < LATE_FOR_MS) return { lateSinceMs, shedRatio: state.shedRatio, memory };
  const shedRatio = state.shedRatio === 0 ? FIRST_SHED : Math.min(SHED_MAX, state.shedRatio * 2);
  return { lateSinceMs: nowMs, shedRatio, memory };
}

const READ_EVERY_MS = 1_000;

/** Watches this process. `memoryBytesMax` null: the limit of the machine or its container. */
export function watchOverload(options: { clock: Clock; memoryBytesMax: number | null }): Overload {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const constrained = process.constrainedMemory();
  const memoryBytesMax = options.memoryBytesMax ?? (constrained > 0 ? constrained : process.availableMemory());
  let state = OVERLOAD_START;
  let turn = 0;
  let cancel = () => {};
  const read = (): void => {
    const reading = { loopDelayMs: delay.percentile(99) / 1e6, memoryBytes: process.memoryUsage.rss() };
    delay.reset();
    state = nextOverload(state, reading, { memoryBytesMax }, options.clock.monotonic());
    cancel = options.clock.after(READ_EVERY_MS, read);
  };
  cancel = options.clock.after(READ_EVERY_MS, read);
  return {
    shouldShed() {
      if (state.memory === "no-connections") return true;
      if (state.shedRatio === 0) return false;
      // Every n-th call rather than a random one: the share is exact also over a short time.
      turn = (turn + state.shedRatio) % 1;
      return turn < state.shedRatio;
    },
    isMemoryShort: () => state.memory !== "ok",
    get shedRatio() {
      return state.shedRatio;
    },
    stop() {
      cancel();
      delay.disable();
    },
  };
}
