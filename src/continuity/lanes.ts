/** Jobs beside each other, as many as there are lanes; what comes above that waits, what does not fit is dropped. */
export interface Lanes {
  /** One job a name at a time: a second one is refused. Gives whether it was taken. */
  run(name: string, job: (signal: AbortSignal) => Promise<void>): boolean;
  readonly size: number;
  /** Ends what runs and forgets what waits; resolves when nothing runs. */
  stop(): Promise<void>;
}

export interface LanesOptions {
  readonly width: number;
  /** Of those that wait. */
  readonly capacity: number;
  readonly onDrop: () => void;
}

type Job = (signal: AbortSignal) => Promise<void>;

export function createLanes({ width, capacity, onDrop }: LanesOptions): Lanes {
  const stopped = new AbortController();
  const waiting = new Map<string, Job>();
  const running = new Map<string, Promise<void>>();

  const start = (name: string, job: Job): void => {
    const ended = job(stopped.signal)
      .catch(() => {}) // a job tells its own failures
      .then(() => {
        running.delete(name);
        const next = waiting.entries().next();
        if (next.done === true || stopped.signal.aborted) return;
        waiting.delete(next.value[0]);
        start(...next.value);
      });
    running.set(name, ended);
  };
  return {
    run(name, job) {
      if (stopped.signal.aborted || running.has(name) || waiting.has(name)) return false;
      if (running.size < width) start(name, job);
      else if (waiting.size < capacity) waiting.set(name, job);
      else {
        onDrop();
        return false;
      }
      return true;
    },
    get size() {
      return running.size + waiting.size;
    },
    async stop() {
      stopped.abort();
      waiting.clear();
      await Promise.all(running.values());
    },
  };
}
