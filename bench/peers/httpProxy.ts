// http-proxy 1.18, for calls and sockets, with a keep-alive agent (its README, "Options": `agent`).
import { createServer } from "node:http";
import httpProxy from "http-proxy";
import { answerFailure, createAgent, listen, targetOf } from "./nodePeer.ts";

const proxy = httpProxy.createProxyServer({ target: targetOf(process.argv), agent: createAgent() });
proxy.on("error", (_error, _req, to) => answerFailure(to));
const server = createServer((req, res) => proxy.web(req, res));
server.on("upgrade", (req, socket, head) => {
  // It leaves the client's socket without a listener: a reset would end the process and the measurement with it.
  socket.on("error", () => socket.destroy());
  proxy.ws(req, socket, head);
});
listen(server);
