// Who is connected and what is under way: the limits of the door, and when it is quiet (embedded-convex §3.8, §3.11).
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TransportError } from "./words.ts";

export interface OpenRequests {
  /** @throws TransportError 503 when there are too many connections or calls, or none may begin any more */
  check(request: IncomingMessage): void;
  /** A call is under way until both `work` is over and its answer has left. */
  run(response: ServerResponse, work: () => Promise<void>): Promise<void>;
  /** From now on no call begins. */
  refuseNew(): void;
  /** When no call is under way any more, or after `timeoutMs`. */
  quiet(timeoutMs: number): Promise<void>;
  /** Ends all connections, also those that became sockets. */
  destroyConnections(): void;
  readonly isClosing: boolean;
}

/** Watches the connections of `server`. Those beyond the limit get an answer; beyond twice the limit none. */
export function createOpenRequests(server: Server, connectionsMax: number, callsMax: number): OpenRequests {
  const connections = new Set<Socket>();
  const excess = new WeakSet<Socket>();
  let calls = 0;
  let isClosing = false;
  let tellQuiet: () => void = () => undefined;

  server.maxConnections = 2 * connectionsMax;
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    if (connections.size > connectionsMax) excess.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  const end = () => {
    calls -= 1;
    if (calls === 0) tellQuiet();
  };

  return {
    check(request) {
      if (isClosing) throw new TransportError(503, "ShuttingDown", "The embedded host is shutting down");
      if (excess.has(request.socket)) throw tooMany(`${connectionsMax} connections`);
      if (calls >= callsMax) throw tooMany(`${callsMax} waiting calls`);
    },
    async run(response, work) {
      calls += 1;
      try {
        await work();
      } finally {
        if (response.closed) end();
        else response.once("close", end);
      }
    },
    refuseNew: () => {
      isClosing = true;
    },
    async quiet(timeoutMs) {
      if (calls === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      tellQuiet = resolve;
      const timer = setTimeout(resolve, timeoutMs);
      await promise;
      clearTimeout(timer);
    },
    destroyConnections() {
      for (const socket of connections) socket.destroy();
    },
    get isClosing() {
      return isClosing;
    },
  };
}

function tooMany(limit: string): TransportError {
  return new TransportError(503, "TooManyConcurrentRequests", `At most ${limit} at once; try again later`);
}
