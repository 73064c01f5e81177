import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type ParsedRequest, readRequests } from "./requestBytes.ts";

/** One connection to the origin with every byte it brought. */
export interface OriginConnection {
  readonly socket: Socket;
  received: Buffer;
  /** Complete requests so far, read by the oracle. */
  requests: ParsedRequest[];
  /** What the oracle said when the bytes had no single reading. */
  fault: Error | null;
  isClosed: boolean;
}

export type Answer = (request: ParsedRequest, connection: OriginConnection, index: number) => string | Buffer | null;

/** A backend without a parser library: stores the bytes, answers each complete request. */
export interface RawOrigin {
  readonly url: string;
  readonly connections: readonly OriginConnection[];
  readonly requests: readonly ParsedRequest[];
  readonly bytes: number;
  answer: Answer;
  forget(): void;
  stop(): Promise<void>;
}

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

export async function startRawOrigin(answer: Answer = () => OK): Promise<RawOrigin> {
  let connections: OriginConnection[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    const connection: OriginConnection = {
      socket,
      received: Buffer.alloc(0),
      requests: [],
      fault: null,
      isClosed: false,
    };
    connections.push(connection);
    socket.on("error", () => {});
    socket.on("close", () => {
      connection.isClosed = true;
      open.delete(socket);
    });
    socket.on("data", (chunk: Buffer) => take(connection, chunk, origin.answer));
  });
  await listen(server);
  const origin: RawOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get requests() {
      return connections.flatMap((one) => one.requests);
    },
    get bytes() {
      return connections.reduce((sum, one) => sum + one.received.length, 0);
    },
    answer,
    forget() {
      connections = connections.filter((one) => !one.isClosed);
      for (const one of connections) {
        one.received = Buffer.alloc(0);
        one.requests = [];
      }
    },
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return origin;
}

function take(connection: OriginConnection, chunk: Buffer, answer: Answer): void {
  connection.received = Buffer.concat([connection.received, chunk]);
  if (connection.fault) return;
  try {
    const { requests } = readRequests(connection.received);
    const fresh = requests.slice(connection.requests.length);
    connection.requests.push(...fresh);
    for (const request of fresh) {
      const reply = answer(request, connection, connection.requests.indexOf(request));
      if (reply !== null) connection.socket.write(reply);
    }
  } catch (error) {
    connection.fault = error as Error;
    connection.socket.destroy();
  }
}

const listen = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
