// A backend that writes down whatever reaches it, and answers everything. Serving instances and targets keep their guards
// (contract G15, shadow W2).
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly isSocket: boolean;
  /** All of its head as one text, to look for what must not be there. */
  readonly text: string;
}

const BUILD = '# TYPE ai_tutor_build_info gauge\nai_tutor_build_info{version="1"} 1\n';
const SEEN_MAX = 10_000;

export interface RecorderOptions {
  /** How long after its head an answer ends. */
  readonly bodyAfterMs?: (url: string) => number;
}

export async function startRecorder(guard: "serving" | "target", { bodyAfterMs = () => 0 }: RecorderOptions = {}) {
  const seen: Recorded[] = [];
  const record = (request: IncomingMessage, isSocket: boolean): void => {
    const { method = "", url = "", headers, rawHeaders } = request;
    if (["/readyz", "/healthz", "/metrics"].includes(url) || seen.length >= SEEN_MAX) return;
    seen.push({ method, url, headers, isSocket, text: `${url}\n${rawHeaders.join("\n")}` });
  };
  const server = createServer((request, response) => {
    record(request, false);
    const isMarked = request.headers["x-shadow"] !== undefined;
    const isRefused = guard === "target" ? !isMarked : isMarked && request.method !== "GET";
    request.resume();
    if (request.url === "/metrics") return void response.end(BUILD);
    const status = isRefused && request.url !== "/readyz" && request.url !== "/healthz" ? 421 : 200;
    response.writeHead(status, { "content-type": "application/json" });
    const end = (): void => void response.end(request.method === "HEAD" ? undefined : '{"is":"recorded"}');
    const afterMs = bodyAfterMs(request.url ?? "");
    if (afterMs === 0) return end();
    response.flushHeaders();
    const late = setTimeout(end, afterMs);
    response.on("close", () => clearTimeout(late));
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    record(request, true);
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on("error", () => client.terminate());
      client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export type Recorder = Awaited<ReturnType<typeof startRecorder>>;
