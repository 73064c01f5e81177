// An arm that sends every message back as it came; text stays text. On two ports it plays both arms.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

const CONNECTIONS_MAX = 1_000;

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

function echo(socket: WebSocket): void {
  if (sockets.clients.size > CONNECTIONS_MAX) socket.terminate();
  socket.on("error", () => {}); // "close" follows
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

function listen(): Promise<Server> {
  // A plain call is the proxy's question whether the arm is ready.
  const server = createServer((_req, res) => void res.end());
  server.on("upgrade", (req, socket, head) => sockets.handleUpgrade(req, socket, head, echo));
  return new Promise((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, () => resolve(server)));
}

const servers = await Promise.all([listen(), listen()]);
const [port, otherPort] = servers.map((server) => (server.address() as AddressInfo).port);
process.stdout.write(`${JSON.stringify({ msg: "listening", port, otherPort })}\n`);
