// The parts we call of packages that bring no types.
declare module "http-proxy" {
  import type { Agent, IncomingMessage, ServerResponse } from "node:http";
  import type { Duplex } from "node:stream";

  interface ProxyServer {
    web(req: IncomingMessage, res: ServerResponse): void;
    ws(req: IncomingMessage, socket: Duplex, head: Buffer): void;
    on(event: "error", listener: (error: Error, req: IncomingMessage, res: ServerResponse | Duplex) => void): this;
  }
  const httpProxy: { createProxyServer(options: { target: string; agent?: Agent }): ProxyServer };
  export default httpProxy;
}

declare module "autocannon" {
  import type { EventEmitter } from "node:events";

  export interface Client {
    setRequests(requests: readonly { method: string; path: string; headers: Record<string, string> }[]): void;
  }
  interface Options {
    url: string;
    connections: number;
    duration: number;
    overallRate?: number;
    timeout?: number;
    setupClient?: (client: Client) => void;
  }
  interface Result {
    errors: number;
    non2xx: number;
    duration: number;
  }
  export default function autocannon(
    options: Options,
    done: (error: Error | null, result: Result) => void,
  ): EventEmitter;
}
