import * as Y from "yjs";
import { VoidMeasurement } from "../lib/void.ts";
import type { Backend } from "./backends.ts";
import { type Frames, openFrames } from "./frames.ts";

/** So many objects are drawn and then moved: a board of a lesson does not grow without end. */
const OBJECTS = 50;

export interface Board {
  /** One change and its arrival, byte for byte, at every other client. */
  change(): Promise<void>;
  close(): Promise<void>;
}

/** One learner who draws and as many who watch. */
export async function openBoard(
  { name, url }: Backend,
  session: string,
  token: string,
  watchers: number,
): Promise<Board> {
  const address = `${url}/ws/v2/session/${session}/whiteboard`;
  const sockets = await Promise.all(Array.from({ length: watchers + 1 }, () => openFrames(address, token)));
  // The full state comes first, always.
  await Promise.all(sockets.map((socket) => socket.next()));
  const [drawer, ...others] = sockets as [Frames, ...Frames[]];
  const doc = new Y.Doc();
  const objects = doc.getMap("objects");
  let last: Uint8Array = new Uint8Array();
  doc.on("update", (update: Uint8Array) => (last = update));
  let changes = 0;
  return {
    async change() {
      const at = changes++;
      const metadata = { source: "user" };
      objects.set(`object-${at % OBJECTS}`, { kind: "rect", x: at, y: at, width: 120, height: 80, metadata });
      const sent = last;
      drawer.send(sent);
      const seen = await Promise.all(others.map((other) => other.next()));
      if (!seen.every((update) => update.equals(sent))) {
        throw new VoidMeasurement(`${name} relayed another update than the one that was sent`);
      }
    },
    async close() {
      doc.destroy();
      await Promise.all(sockets.map((socket) => socket.close()));
    },
  };
}
