// Places for actions that nobody waits for: jobs and crons share them (embedded-convex §3.6, as the smallest Convex class).
export const ACTION_SLOTS = 8;

export interface ActionSlots {
  readonly free: number;
  /** Whether there was one. */
  take(): boolean;
  /** Gives one back and tells those who may be waiting. */
  give(): void;
  onFree(listener: () => void): void;
}

export function createActionSlots(count: number = ACTION_SLOTS): ActionSlots {
  let free = count;
  const listeners: (() => void)[] = [];
  return {
    get free() {
      return free;
    },
    take() {
      if (free === 0) return false;
      free -= 1;
      return true;
    },
    give() {
      if (free === count) throw new Error(`action slots: ${count} exist, and all are free already`);
      free += 1;
      for (const listener of listeners) listener();
    },
    onFree: (listener) => void listeners.push(listener),
  };
}
