// httpxy as a proxy server; its own default agent keeps connections too, ours only keeps as many as the others'.
import { createServer } from "node:http";
import { createProxyServer } from "httpxy";
import { answerFailure, createAgent, listen, targetOf } from "./nodePeer.ts";

const proxy = createProxyServer({ target: targetOf(process.argv), agent: createAgent() });
listen(createServer((req, res) => void proxy.web(req, res).catch(() => answerFailure(res))));
