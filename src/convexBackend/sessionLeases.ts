// One writer per session over all instances of the service (contract G13): the queues of one instance keep its own turns
// apart, leases in the store those of two. Another instance's turn is waited for by a live query.
import { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import type { Subscriptions } from "./convexSubscriptions.ts";
import type { Identity, Store } from "./ports.ts";

/** As long as a lease lives in `convex/model/leases.ts`; renewed at a third. */
const LEASE_MS = 10_000;
const RENEW_MS = LEASE_MS / 3;

export interface LeasedSession {
  readonly session: Id<"sessions">;
  readonly identity: Identity;
}

export interface SessionLeases {
  /** Names this process in leases. */
  readonly instance: string;
  /**
   * Resolves when the other instance's turn is over, or its time: who asks again may have to wait again.
   * @throws the signal's reason
   */
  untilFree(sessionId: string, signal: AbortSignal): Promise<void>;
  /** Renews a running turn's lease until the returned function is called; `onLost` when another instance has it now. */
  keep(session: LeasedSession, onLost: () => void): () => void;
  /** Gives up the session of a turn that stores nothing; should that fail, the lease ends by itself. */
  release(session: LeasedSession): Promise<void>;
}

export function createSessionLeases(store: Store, live: () => Subscriptions): SessionLeases {
  const instance = crypto.randomUUID();

  async function renew({ session, identity }: LeasedSession): Promise<boolean> {
    try {
      return await store.mutation(api.turns.renew, { session, instance }, identity);
    } catch {
      return true; // nobody can take it from a store that does not answer; the finish decides
    }
  }

  return {
    instance,
    async untilFree(sessionId, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      let timer = setTimeout(resolve, LEASE_MS);
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
      const unsubscribe = live().subscribe(
        api.turns.busyUntil,
        { id: sessionId },
        (until) => {
          clearTimeout(timer);
          // By our own clock only how long, never until when: the deployment's may be another.
          if (until === 0) resolve();
          else timer = setTimeout(resolve, LEASE_MS);
        },
        () => {}, // the time alone decides then
      );
      try {
        await promise;
      } finally {
        unsubscribe();
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      }
    },
    keep(session, onLost) {
      const timer = setInterval(() => {
        void renew(session).then((isOurs) => {
          if (!isOurs) onLost();
        });
      }, RENEW_MS);
      return () => clearInterval(timer);
    },
    async release({ session, identity }) {
      await store.mutation(api.turns.release, { session, instance }, identity).catch(() => undefined);
    },
  };
}
