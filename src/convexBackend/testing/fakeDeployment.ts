// A local HTTP server in a deployment's place: shows what the clients sent, answers what a test wants.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface SeenCall {
  readonly path: string;
  readonly token: string;
  readonly body: { readonly path: string; readonly format: string; readonly args: readonly any[] };
}

export interface FakeDeployment {
  readonly url: string;
  readonly server: Server;
  readonly calls: SeenCall[];
  /** Sockets accepted so far, and open now. */
  readonly sockets: { accepted: number; open: number; mostOpen: number };
}

export type Answer = (call: SeenCall, response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

export const send = (response: ServerResponse, status: number, body: unknown): void =>
  void response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));

export const success = (value: unknown) => ({ status: "success", value, logLines: [] });

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export async function fakeDeployment(t: TestContext, answer: Answer): Promise<FakeDeployment> {
  const calls: SeenCall[] = [];
  const sockets = { accepted: 0, open: 0, mostOpen: 0 };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    const call = { path: request.url ?? "", token, body: JSON.parse(await textOf(request)) };
    calls.push(call);
    await answer(call, response, request);
  };
  const server = createServer((request, response) => void serve(request, response));
  server.on("connection", (socket) => {
    sockets.accepted += 1;
    sockets.open += 1;
    sockets.mostOpen = Math.max(sockets.mostOpen, sockets.open);
    socket.on("close", () => (sockets.open -= 1));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, calls, sockets };
}
