// One of the two listeners: bounded connections, an end within a given time.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../kernel/index.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface Listener {
  readonly address: ListenAddress;
  /** Takes no more connections from now on; cuts what still runs after `drainMs`. */
  close(drainMs: number): Promise<void>;
}

export interface ListenerOptions {
  readonly at: ListenAddress;
  readonly connectionsMax: number;
  readonly clock: Clock;
  readonly onDrop: () => void;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Longer than the pools of the arms keep a connection, so that none of them sends into one that just ended. */
const KEEP_ALIVE_MS = 75_000;

/** Rejects with the system's error when the port cannot be had. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { at, clock, handle } = options;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    // An answer that ends while closing leaves its kept-alive connection behind; nobody would close it.
    response.once("close", () => setImmediate(() => server.listening || server.closeIdleConnections()));
    handle(request, response);
  });
  server.maxConnections = options.connectionsMax;
  server.on("drop", options.onDrop);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    address: { host: at.host, port: (server.address() as AddressInfo).port },
    close(drainMs) {
      return new Promise((resolve) => {
        const cancel = clock.after(drainMs, () => server.closeAllConnections());
        server.close(() => {
          cancel();
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}
