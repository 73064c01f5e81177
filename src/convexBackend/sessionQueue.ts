// Per session one queue (contract G13): socket turns and REST writes run one after the other in arrival order.
import { HttpError } from "./http/errors.ts";

/** How long a REST call waits for its turn (contract G13). */
export const REST_WAIT_MS = 60_000;

type Work = () => Promise<void>;

export interface SessionQueues {
  /** Runs after everything queued before it. */
  enqueue(sessionId: string, work: Work): void;
  /** The same for a REST call: 503 `SESSION_BUSY` when its turn does not come in time, and then it never runs. */
  run<T>(sessionId: string, work: () => Promise<T>, patienceMs?: number): Promise<T>;
  /** Nothing runs or waits. */
  isFree(sessionId: string): boolean;
  /** Runs at once in the turn of all of them, which must be free. */
  runInAll<T>(sessionIds: readonly string[], work: () => Promise<T>): Promise<T>;
  /** Resolves once nothing runs. What has not begun is dropped. */
  drain(): Promise<void>;
}

interface Queue {
  readonly waiting: Work[];
  running: Promise<void> | null;
}

export function createSessionQueues(waitMs = REST_WAIT_MS): SessionQueues {
  const queues = new Map<string, Queue>();
  const state = { isDraining: false };

  async function work(sessionId: string, queue: Queue): Promise<void> {
    for (let next = queue.waiting.shift(); next; next = queue.waiting.shift()) {
      await next();
      if (state.isDraining) break;
    }
    queues.delete(sessionId);
  }
  function enqueue(sessionId: string, item: Work): void {
    let queue = queues.get(sessionId);
    if (!queue) {
      queue = { waiting: [], running: null };
      queues.set(sessionId, queue);
    }
    queue.waiting.push(item);
    // Work never rejects: both kinds below report their failures themselves.
    queue.running ??= work(sessionId, queue);
  }
  return {
    enqueue,
    run: (sessionId, item, patienceMs = waitMs) =>
      new Promise((resolve, reject) => {
        let isGivenUp = false;
        const timer = setTimeout(() => {
          isGivenUp = true;
          reject(new HttpError(503, "SESSION_BUSY", "The session is busy."));
        }, patienceMs);
        enqueue(sessionId, async () => {
          clearTimeout(timer);
          if (isGivenUp) return;
          await item().then(resolve, reject);
        });
      }),
    isFree: (sessionId) => !queues.has(sessionId),
    async runInAll(sessionIds, item) {
      const { promise: done, resolve: end } = Promise.withResolvers<void>();
      for (const sessionId of sessionIds) enqueue(sessionId, () => done);
      try {
        return await item();
      } finally {
        end();
      }
    },
    async drain() {
      state.isDraining = true;
      await Promise.all([...queues.values()].flatMap((queue) => queue.running ?? []));
    },
  };
}
