import { WebSocket } from "ws";
import { type BoardDoc, createBoardDoc } from "./boardDoc.ts";
import { openSocket, SocketLost } from "./socket.ts";

export interface WhiteboardClient {
  readonly board: BoardDoc;
  /** Why the socket ended; null while it is open. */
  readonly lost: SocketLost | null;
  close(): void;
}

/** A student's board on its socket. A new socket starts from the state the server sends. */
export async function openWhiteboard(url: string, token: string): Promise<WhiteboardClient> {
  const what = "whiteboard socket";
  const board = createBoardDoc();
  let lost: SocketLost | null = null;
  const socket = await openSocket(what, url, token, (opening) => {
    opening.binaryType = "nodebuffer";
    opening.on("message", (data: Buffer) => board.receive(data));
    opening.on("close", (code, reason) => {
      lost = new SocketLost(what, code, reason.toString("utf8"));
    });
  });
  board.onUpdate((update) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(update);
  });
  return {
    board,
    get lost() {
      return lost;
    },
    close: () => socket.close(1000),
  };
}
