// Ids of the objects that the tutor has put on a session's board, whichever instance ran the turn.
import { api } from "../../../convex/_generated/api.js";
import type { Identity, Store } from "../ports.ts";
import { addedObjectIds, type WhiteboardAction } from "./replay.ts";

export interface DrawnObjects {
  /** Those of turns stored since it was last asked. */
  news(): Promise<string[]>;
}

export function createDrawnObjects(
  store: Store,
  { id, identity }: { readonly id: string; readonly identity: Identity },
): DrawnObjects {
  let after = -1;
  return {
    async news() {
      const ids: string[] = [];
      for (let hasMore = true; hasMore; ) {
        const page = await store.query(api.messages.snapshots, { id, after }, identity);
        if (!page) break;
        for (const { actionsJson } of page.snapshots) {
          ids.push(...addedObjectIds(JSON.parse(actionsJson) as WhiteboardAction[]));
        }
        after = page.snapshots.at(-1)?.snapshotIndex ?? after;
        hasMore = page.hasMore && page.snapshots.length > 0;
      }
      return ids;
    },
  };
}
