import type { ConvexClient } from "convex/browser";
import { VoidMeasurement } from "../lib/void.ts";
import { api } from "./references.ts";

const SEEN_MS = 10_000;

export interface Watched {
  /** Resolves once the count was seen; at once when it was already. @throws VoidMeasurement after 10 s */
  seen(count: number): Promise<void>;
}

type Id = typeof api.rows.counted._args.id;

/** A subscription to a row's count; counts only rise. */
export function watch(client: ConvexClient, id: Id): Watched {
  let latest = -1;
  let failure: Error | null = null;
  let look = (): void => {};
  client.onUpdate(
    api.rows.counted,
    { id },
    (count) => {
      latest = count;
      look();
    },
    (error) => {
      failure = error;
      look();
    },
  );
  return {
    seen: (count) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(
          () => reject(new VoidMeasurement(`a subscriber has not seen ${count} within ${SEEN_MS / 1_000} s`)),
          SEEN_MS,
        );
        look = () => {
          if (failure === null && latest < count) return;
          clearTimeout(late);
          look = () => {};
          if (failure === null) resolve();
          else reject(new VoidMeasurement(`a subscription failed: ${failure.message}`));
        };
        look();
      }),
  };
}
