// Node's own `http` answering by itself: the ceiling of the runtime, and the upstream where nginx is not installed.
// A second server on the same counter plays the other arm.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { ANSWER, BUILD, BUILD_PATH, COUNT_PATH } from "../rest/answer.ts";

let answered = 0;

const answer: RequestListener = (req, res) => {
  if (req.url === COUNT_PATH) {
    res.end(String(answered));
    return;
  }
  if (req.url === BUILD_PATH) {
    res.end(BUILD);
    return;
  }
  answered++;
  res.writeHead(200, ["content-type", "application/json", "content-length", String(ANSWER.length)]);
  res.end(ANSWER);
};

const servers = [createServer(answer), createServer(answer)];
await Promise.all(
  servers.map((server) => {
    server.keepAliveTimeout = 65_000;
    return new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  }),
);
const [port, otherPort] = servers.map((server) => (server.address() as AddressInfo).port);
process.stdout.write(`${JSON.stringify({ msg: "listening", port, otherPort })}\n`);
