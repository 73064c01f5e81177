// What the instances of the service tell each other about a session, through the store: new board updates, and its end.
import type { FunctionReturnType } from "convex/server";
import { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import type { Subscriptions } from "./convexSubscriptions.ts";

export type Watched = NonNullable<FunctionReturnType<typeof api.boards.watch>>;

type Listener = (watched: Watched | null) => void;

export interface SessionWatches {
  /**
   * Told at once or soon, and at each change, as long as the returned function is not called; null: the session has been
   * deleted. All watches of a session share one live query.
   */
  watch(session: { readonly session: Id<"sessions"> }, listener: Listener): () => void;
}

interface Shared {
  readonly listeners: Set<Listener>;
  unsubscribe: () => void;
  last: Watched | null | undefined;
}

export function createSessionWatches(live: () => Subscriptions): SessionWatches {
  const shared = new Map<Id<"sessions">, Shared>();

  function open(session: Id<"sessions">): Shared {
    const one: Shared = { listeners: new Set(), unsubscribe: () => {}, last: undefined };
    shared.set(session, one);
    one.unsubscribe = live().subscribe(
      api.boards.watch,
      { session },
      (watched) => {
        one.last = watched;
        for (const listener of one.listeners) listener(watched);
      },
      () => {}, // logged there, and asked again with the next change
    );
    return one;
  }

  return {
    watch({ session }, listener) {
      const one = shared.get(session) ?? open(session);
      one.listeners.add(listener);
      if (one.last !== undefined) listener(one.last);
      return () => {
        if (!one.listeners.delete(listener) || one.listeners.size > 0) return;
        one.unsubscribe();
        shared.delete(session);
      };
    },
  };
}
