// http-proxy-3 on its default path (`node:http`), with a keep-alive agent.
import { createServer } from "node:http";
import { createProxyServer } from "http-proxy-3";
import { answerFailure, createAgent, listen, targetOf } from "./nodePeer.ts";

const proxy = createProxyServer({ target: targetOf(process.argv), agent: createAgent() });
proxy.on("error", (_error, _req, to) => answerFailure(to));
listen(createServer((req, res) => proxy.web(req, res)));
