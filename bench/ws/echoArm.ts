// An arm that sends every message back as it came; text stays text.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const CONNECTIONS_MAX = 1_000;

// A plain call is the proxy's question whether the arm is ready.
const server = createServer((_req, res) => void res.end());
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (socket) => {
  if (sockets.clients.size > CONNECTIONS_MAX) socket.terminate();
  socket.on("error", () => {}); // "close" follows
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.listen({ host: "127.0.0.1", port: 0 }, () => {
  process.stdout.write(`${JSON.stringify({ msg: "listening", port: (server.address() as AddressInfo).port })}\n`);
});
