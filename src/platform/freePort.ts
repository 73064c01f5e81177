import { createServer } from "node:net";

const TRIES = 200;
const PORT_MAX = 65_535;

export class NoFreePort extends Error {}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(true)));
  });
}

export interface ChosenPort {
  readonly port: number;
  /** The port that was wanted; differs from `port` when that one is taken. */
  readonly wanted: number;
}

/**
 * The wanted port, or the next one nobody listens on and nobody else was given (contract README §5: fixed ports, in the
 * demo the next free one). Another process may take it before we do: then its owner fails to start and says so.
 */
export async function nextFreePort(host: string, wanted: number, given: Set<number>): Promise<ChosenPort> {
  for (let port = wanted; port <= Math.min(PORT_MAX, wanted + TRIES); port += 1) {
    if (given.has(port) || !(await canListen(host, port))) continue;
    given.add(port);
    return { port, wanted };
  }
  throw new NoFreePort(`No free port between ${wanted} and ${wanted + TRIES} on ${host}.`);
}
