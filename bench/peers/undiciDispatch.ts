// The least a Node proxy can do: `Pool.dispatch` in a bare server. The floor of our own cost, not a rival: it checks nothing. With a
// second address it sends every call there too, and throws those answers away.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Dispatcher, Pool } from "undici";
import { answerFailure, listen, POOL_CONNECTIONS, targetOf } from "./nodePeer.ts";

const poolOf = (target: string): Pool =>
  new Pool(target, { connections: POOL_CONNECTIONS, pipelining: 1, keepAliveTimeout: 60_000 });

const pool = poolOf(targetOf(process.argv));
const mirror = process.argv[3] === undefined ? null : poolOf(process.argv[3]);

const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "host"]);

const withoutHopByHop = (raw: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (!HOP_BY_HOP.has((raw[i] as string).toLowerCase())) kept.push(raw[i] as string, raw[i + 1] as string);
  }
  return kept;
};

class Forward {
  readonly #res: ServerResponse;
  #resume: (() => void) | null = null;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  onConnect(): void {}

  onHeaders(status: number, raw: readonly Buffer[], resume: () => void): boolean {
    this.#resume = resume;
    this.#res.writeHead(status, withoutHopByHop(raw.map((part) => part.toString("latin1"))));
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#res.write(chunk)) return true;
    this.#res.once("drain", this.#resume as () => void);
    return false;
  }

  onComplete(): void {
    this.#res.end();
  }

  onError(): void {
    answerFailure(this.#res);
  }
}

const unheard: Dispatcher.DispatchHandler = {
  onConnect: () => undefined,
  onHeaders: () => true,
  onData: () => true,
  onComplete: () => undefined,
  onError: () => undefined,
};

function forward(req: IncomingMessage, res: ServerResponse): void {
  const request = {
    method: req.method as Dispatcher.HttpMethod,
    path: req.url ?? "/",
    headers: withoutHopByHop(req.rawHeaders),
    body: req.method === "GET" ? null : req,
  };
  pool.dispatch(request, new Forward(res));
  if (request.body === null) mirror?.dispatch(request, unheard);
}

listen(createServer(forward));
