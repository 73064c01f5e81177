// The store as `ready-lies` shows it.
import { type Store, StoreUnavailableError } from "../ports.ts";
import { isStoreDown } from "./processFaults.ts";
import type { Switchboard } from "./switchboard.ts";

export function createFaultyStore(store: Store, faults: Switchboard): Store {
  const refuse = (): void => {
    if (isStoreDown(faults)) throw new StoreUnavailableError("the store does not answer");
  };
  return {
    async query(reference, args, identity) {
      refuse();
      return store.query(reference, args, identity);
    },
    async mutation(reference, args, identity) {
      refuse();
      return store.mutation(reference, args, identity);
    },
    ping: () => store.ping(),
    close: () => store.close(),
  };
}
