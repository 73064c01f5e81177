import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The 101 that answers this request head (RFC 6455 §4.2.2). */
export function acceptance(head: string): string {
  const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1] ?? "";
  const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  return `${[...lines, `Sec-WebSocket-Accept: ${accept}`].join("\r\n")}\r\n\r\n`;
}

export interface RawArm {
  readonly url: string;
  readonly sockets: readonly Socket[];
  stop(): Promise<void>;
}

/** An arm without any library: accepts each handshake with `behind` in the same piece, reads on and says nothing more. */
export async function startRawArm(behind: Uint8Array = Buffer.alloc(0)): Promise<RawArm> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", (head) => {
      socket.write(Buffer.concat([Buffer.from(acceptance(head.toString("latin1"))), behind]));
      socket.resume();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
