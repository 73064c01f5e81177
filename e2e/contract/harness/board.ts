import * as Y from "yjs";
import { eventually, type Json, type Socket, type User } from "../../support/index.ts";
import type { Opener } from "./opener.ts";

/** A whiteboard client as contract whiteboard-socket §1 describes it: applies every frame, sends its own updates only. */
export async function createBoard(context: Opener, user: User, session: string, headers: Record<string, string> = {}) {
  const socket: Socket = await context.open(context.boardPath(session), {
    headers: { Authorization: `Bearer ${user.token}`, ...headers },
  });
  const first = await socket.next();
  const doc = new Y.Doc();
  const received: Buffer[] = [];
  Y.applyUpdate(doc, first.data, "server");
  const receive = (data: Buffer): void => {
    received.push(Buffer.from(data));
    Y.applyUpdate(doc, data, "server");
  };
  for (const frame of socket.log.slice(1)) receive(frame.data); // came in the same packet as the first one
  socket.socket.on("message", receive);
  doc.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== "server") socket.sendBinary(update);
  });
  const objects = doc.getMap("objects");
  const ephemeral = doc.getMap("ephemeral");
  return {
    ...socket,
    doc,
    first,
    /** Binary frames after the first one. */
    received,
    objects,
    ephemeral,
    put: (id: string, value: Json) => void objects.set(id, value),
    putEphemeral: (id: string, value: Json) => void ephemeral.set(id, value),
    json: (): Json => ({ objects: objects.toJSON(), ephemeral: ephemeral.toJSON() }),
    /** Waits until a condition on the document holds. */
    until: (check: () => void, timeoutMs = 5_000) => eventually(check, timeoutMs),
  };
}

export type Board = Awaited<ReturnType<typeof createBoard>>;

/** One update of a fresh client, for frames sent by hand. */
export function updateOf(change: (doc: Y.Doc) => void): Uint8Array {
  const doc = new Y.Doc();
  change(doc);
  return Y.encodeStateAsUpdate(doc);
}
