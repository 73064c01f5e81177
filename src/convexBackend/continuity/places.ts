// Users whose rows are gathered at once: each takes memory and reads of the store.
import { HttpError } from "../http/errors.ts";

const AT_ONCE = 4;
const WAITING_MAX = 200;

export interface Places {
  /** Runs when a place is free. @throws HttpError 503 when too many wait */
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function createPlaces(atOnce = AT_ONCE, waitingMax = WAITING_MAX): Places {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  return {
    async take(work) {
      if (free === 0) {
        if (waiting.length >= waitingMax) throw new HttpError(503, "SESSION_BUSY", "Too many users are read at once.");
        // Whoever ends hands the place on: nobody may take it in between.
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else free -= 1;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free += 1;
      }
    },
  };
}
