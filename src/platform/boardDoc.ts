import * as Y from "yjs";
import type { BoardAction } from "./tutorClient.ts";

type BoardObject = Readonly<Record<string, unknown>>;

const REMOTE = Symbol("remote");

export interface BoardDoc {
  /** A frame of the whiteboard socket: one Yjs update (whiteboard-socket.md §1). */
  receive(update: Uint8Array): void;
  /** Called with every update made here. */
  onUpdate(listener: (update: Uint8Array) => void): void;
  put(id: string, object: BoardObject): void;
  /** What the tutor drew: clients write it into the document, the server never does (whiteboard-socket.md §5). */
  apply(actions: readonly BoardAction[]): void;
  objects(): readonly BoardObject[];
}

/** The whiteboard as a student's browser keeps it. */
export function createBoardDoc(): BoardDoc {
  const doc = new Y.Doc();
  const objects = doc.getMap<BoardObject>("objects");
  const idsOf = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((id) => typeof id === "string") : [];
  const listOf = (value: unknown): BoardObject[] => (Array.isArray(value) ? (value as BoardObject[]) : []);
  const applyOne = (action: BoardAction): void => {
    switch (action.type) {
      case "ADD_OBJECTS":
        for (const object of listOf(action["objects"]))
          if (typeof object["id"] === "string") objects.set(object["id"], object);
        return;
      case "UPDATE_OBJECTS":
        for (const { objectId, updates } of listOf(action["objects"])) {
          const known = typeof objectId === "string" ? objects.get(objectId) : undefined;
          if (known) objects.set(objectId as string, { ...known, ...(updates as BoardObject) });
        }
        return;
      case "DELETE_OBJECTS":
        for (const id of idsOf(action["objectIds"])) objects.delete(id);
        return;
      case "CLEAR_BOARD":
        objects.clear();
        return;
      default:
      // Groups, highlights and pointers change what is seen, not which objects there are.
    }
  };
  return {
    receive: (update) => Y.applyUpdate(doc, update, REMOTE),
    onUpdate: (listener) =>
      doc.on("update", (update: Uint8Array, origin: unknown) => {
        if (origin !== REMOTE) listener(update);
      }),
    put: (id, object) => void objects.set(id, object),
    apply: (actions) => doc.transact(() => actions.forEach(applyOne)),
    objects: () => [...objects.values()],
  };
}
