// Board actions of the stored snapshots, ascending and concatenated (O1, R7).
import { api } from "../../../convex/_generated/api.js";
import type { Identity, Store } from "../ports.ts";

export type WhiteboardAction = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Reads page by page; null pages (the session has gone) end it. */
export async function readActions(
  store: Store,
  identity: Identity,
  id: string,
  range: { readonly through?: number; readonly asOf?: number } = {},
): Promise<WhiteboardAction[]> {
  const actions: WhiteboardAction[] = [];
  for (let after = -1, hasMore = true; hasMore; ) {
    const page = await store.query(api.messages.snapshots, { id, after, ...range }, identity);
    if (!page) break;
    for (const snapshot of page.snapshots) actions.push(...(JSON.parse(snapshot.actionsJson) as WhiteboardAction[]));
    after = page.snapshots.at(-1)?.snapshotIndex ?? after;
    hasMore = page.hasMore && page.snapshots.length > 0;
  }
  return actions;
}

/** Ids of the objects the tutor put on the board. */
export function addedObjectIds(actions: readonly WhiteboardAction[]): string[] {
  return actions
    .filter((action) => action.type === "ADD_OBJECTS" && Array.isArray(action["objects"]))
    .flatMap((action) => action["objects"] as { readonly id?: unknown }[])
    .map((object) => object.id)
    .filter((id) => typeof id === "string");
}
