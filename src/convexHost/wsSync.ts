// The sockets of the sync protocol (embedded-convex §3.10): each does what `syncSession.ts` decides.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { type Timers, systemTimers } from "./alarm.ts";
import { LIMITS } from "./limits.ts";
import type { CallerAuth, FunctionRunner } from "./ports.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { SyncConnection, type SyncPorts } from "./syncConnection.ts";
import { CLOSE } from "./syncState.ts";

export interface SyncServerOptions {
  readonly runner: FunctionRunner;
  readonly auth: CallerAuth;
  /** Epoch ms. */
  readonly clock: () => number;
  /** Those of the system when absent. */
  readonly timers?: Timers;
}

export interface SyncServer {
  /** Takes over an upgrade request whose path, `Host` and origin have been checked. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends all connections; their clients connect again. */
  close(): void;
  readonly connections: number;
  /** Results kept because a connection watches them. */
  readonly watched: number;
}

/** The client hangs up after 60 s of silence, and cannot see the pings of the WebSocket protocol. */
const PING_MS = 15_000;

const SERVICE_UNAVAILABLE = [
  "HTTP/1.1 503 Service Unavailable",
  "Content-Type: application/json",
  "Connection: close",
  "",
  `{"code":"TooManyConcurrentRequests","message":"at most ${LIMITS.connections} sync connections"}`,
].join("\r\n");

/** Serves the sync protocol over sockets that an HTTP server hands it. */
export function createSyncServer(options: SyncServerOptions): SyncServer {
  const { runner, auth, clock, timers = systemTimers } = options;
  const subscriptions = createSubscriptions(runner);
  const open = new Set<SyncConnection>();
  const bySession = new Map<string, SyncConnection>();
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.httpBodyBytes,
  });
  let isClosed = false;
  let stopPinging = () => {};
  const keepPinging = () => {
    stopPinging = timers.set(() => {
      keepPinging();
      for (const connection of open) connection.happen({ type: "ticked" });
    }, PING_MS);
  };
  keepPinging();

  const ports: SyncPorts = {
    runner,
    auth,
    clock,
    timers,
    subscriptions,
    claim(sessionId, connection) {
      bySession.get(sessionId)?.happen({ type: "closing", code: CLOSE.normal, reason: "the session connected again" });
      bySession.set(sessionId, connection);
    },
    forget(sessionId, connection) {
      open.delete(connection);
      if (bySession.get(sessionId) === connection) bySession.delete(sessionId);
    },
  };

  return {
    handle(request, socket, head) {
      if (isClosed || open.size >= LIMITS.connections) {
        socket.on("error", () => undefined);
        socket.end(SERVICE_UNAVAILABLE, () => socket.destroy());
        return;
      }
      upgrader.handleUpgrade(request, socket, head, (client) => open.add(new SyncConnection(client, socket, ports)));
    },
    close() {
      isClosed = true;
      stopPinging();
      for (const connection of open) {
        connection.happen({ type: "closing", code: CLOSE.goingAway, reason: "the host stops" });
      }
      subscriptions.close();
    },
    get connections() {
      return open.size;
    },
    get watched() {
      return subscriptions.watched;
    },
  };
}
