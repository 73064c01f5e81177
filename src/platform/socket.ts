import { WebSocket } from "ws";

const HANDSHAKE_MS = 20_000;

/** The handshake was answered with something else than 101. */
export class HandshakeRefused extends Error {
  readonly status: number;
  constructor(what: string, status: number) {
    super(`${what}: handshake refused with ${status}`);
    this.status = status;
  }
}

/** The socket ended while something was still expected of it. */
export class SocketLost extends Error {
  readonly code: number;
  constructor(what: string, code: number, reason: string) {
    super(`${what}: closed ${code} ${reason}`.trim());
    this.code = code;
  }
}

/**
 * Opens a socket with the token in the header, where no log of a server in between can show it (contract G7).
 * `prepare` gets the socket before anything can arrive on it.
 */
export function openSocket(
  what: string,
  url: string,
  token: string,
  prepare: (socket: WebSocket) => void,
): Promise<WebSocket> {
  return new Promise((done, failed) => {
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
    });
    prepare(socket);
    socket.once("open", () => done(socket));
    socket.once("unexpected-response", (_request, response) => {
      response.resume();
      failed(new HandshakeRefused(what, response.statusCode ?? 0));
      socket.terminate();
    });
    // Also after the opening: an error without a listener would end the process; the close that follows tells the rest.
    socket.on("error", (cause) => failed(new SocketLost(what, 1006, cause.message)));
  });
}
