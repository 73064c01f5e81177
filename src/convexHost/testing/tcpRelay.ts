// A TCP relay between a client and a deployment that cuts connections, in the middle of what they carry.
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import type { Random } from "./contractProbes.ts";

/** Of both directions; the greeting and the resent requests of a connection take some of them. */
const PIECES_MAX = 15;

export interface TcpRelay {
  /** For the official client: its sockets go through the relay, under the deployment's own name. */
  readonly webSocketConstructor: typeof globalThis.WebSocket;
  readonly cuts: number;
  /** Cuts that threw away what the deployment had sent. */
  readonly lostAnswers: number;
  close(): Promise<void>;
}

/** Each of its first `cutsMax` connections is cut after some pieces; `random` says when and how. */
export async function startTcpRelay(url: URL, cutsMax: number, random: Random): Promise<TcpRelay> {
  const isSecure = url.protocol === "https:";
  const port = Number(url.port || (isSecure ? 443 : 80));
  const open = new Set<Socket>();
  let cuts = 0;
  let lostAnswers = 0;

  const carry = (client: Socket): void => {
    const target = connectTcp(port, url.hostname.replace(/^\[|\]$/g, ""));
    let left = cuts < cutsMax ? 1 + Math.floor(random() * PIECES_MAX) : Number.POSITIVE_INFINITY;
    const end = () => {
      for (const socket of [client, target]) {
        open.delete(socket);
        socket.destroy();
      }
    };
    const cut = (piece: Buffer, to: Socket): void => {
      cuts += 1;
      // Nothing of the piece, some of it, or all: the last request may be lost, executed unheard, or answered.
      const kept = [0, Math.floor(piece.length / 2), piece.length][Math.floor(random() * 3)] ?? 0;
      if (to === client && kept < piece.length) lostAnswers += 1;
      to.write(piece.subarray(0, kept), end);
    };
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      open.add(from);
      from.setNoDelay(true);
      from.on("error", end);
      from.on("close", end);
      from.on("data", (piece: Buffer) => {
        left -= 1;
        if (left === 0) cut(piece, to);
        else if (left > 0) to.write(piece);
      });
    }
  };

  const server = createServer(carry).listen(0, "127.0.0.1");
  await once(server, "listening");
  const relayPort = (server.address() as AddressInfo).port;
  const throughRelay = (): Socket => {
    const socket = connectTcp(relayPort, "127.0.0.1");
    return isSecure ? connectTls({ socket, servername: url.hostname }) : socket;
  };
  class RelayedWebSocket extends WebSocket {
    constructor(address: string) {
      super(address, { createConnection: throughRelay });
    }
  }
  return {
    webSocketConstructor: RelayedWebSocket as unknown as typeof globalThis.WebSocket,
    get cuts() {
      return cuts;
    },
    get lostAnswers() {
      return lostAnswers;
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
