import { compileFlagState } from "./flagState.ts";
import type { DecidableUnit, FlagReading, FlagState, FlagStateData } from "./ports.ts";

/** How often other processes hear that quiet flags are still fresh; a third of the age that counts as stale. */
export const RENEW_INTERVAL_MS = 10_000;

export interface StateHolder {
  readonly state: FlagState;
  /** Swaps in a new frozen state with the next epoch. Synchronous: a kill waits for nothing here. */
  change(part: Partial<Omit<FlagStateData, "epoch">>): void;
  /** The same data, confirmed again: same epoch. */
  renew(confirmedAtMs: number): void;
  onChange(listener: (state: FlagState) => void): () => void;
}

export function createStateHolder(
  first: Omit<FlagStateData, "epoch">,
  units: readonly DecidableUnit[],
  onListenerFailed: (error: unknown) => void,
): StateHolder {
  const listeners = new Set<(state: FlagState) => void>();
  let state: FlagState = compileFlagState(Object.freeze({ ...first, epoch: 0 }), units);
  let publishedConfirmedAtMs = first.reading.confirmedAtMs;

  const publish = (): void => {
    publishedConfirmedAtMs = state.data.reading.confirmedAtMs;
    for (const listener of listeners) {
      try {
        listener(state);
      } catch (error) {
        onListenerFailed(error);
      }
    }
  };
  const swap = (data: FlagStateData): void => {
    state = compileFlagState(Object.freeze(data), units);
  };
  return {
    get state() {
      return state;
    },
    change(part) {
      swap({ ...state.data, ...part, epoch: state.data.epoch + 1 });
      publish();
    },
    renew(confirmedAtMs) {
      const reading: FlagReading = Object.freeze({ ...state.data.reading, confirmedAtMs });
      swap({ ...state.data, reading });
      if (confirmedAtMs - publishedConfirmedAtMs >= RENEW_INTERVAL_MS) publish();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
