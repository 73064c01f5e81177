import { Agent, type Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** Address of the upstream, the only argument of a peer's process. */
export function targetOf(argv: readonly string[]): string {
  const target = argv[2];
  if (target === undefined) throw new Error("the address of the upstream is missing");
  return target;
}

/** Connections that a peer may keep to the upstream; more than the load ever opens. */
export const POOL_CONNECTIONS = 512;

/** The agent of the peers that forward through `node:http`: without one they open a connection for every call. */
export const createAgent = (): Agent =>
  new Agent({ keepAlive: true, maxSockets: POOL_CONNECTIONS, maxFreeSockets: POOL_CONNECTIONS });

/** A failed forward is answered, so that the load sees it: the measurement is void then. */
export function answerFailure(to: ServerResponse | Duplex): void {
  if (!(to instanceof ServerResponse)) to.destroy();
  else if (!to.headersSent) to.writeHead(502).end();
}

/** Listens on a free port and says so the way all our processes do. */
export function listen(server: Server<any, any>): void {
  server.keepAliveTimeout = 65_000;
  server.listen({ host: "127.0.0.1", port: 0 }, () => say(server.address() as AddressInfo));
}

export function say({ port }: { readonly port: number }): void {
  process.stdout.write(`${JSON.stringify({ msg: "listening", port })}\n`);
}
