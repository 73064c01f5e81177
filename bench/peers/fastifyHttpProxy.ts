// @fastify/http-proxy on undici, its default and fastest client, with a pool as large as everybody's.
import httpProxy from "@fastify/http-proxy";
import fastify from "fastify";
import { POOL_CONNECTIONS, say, targetOf } from "./nodePeer.ts";

const server = fastify({ logger: false, keepAliveTimeout: 65_000 });
await server.register(httpProxy, {
  upstream: targetOf(process.argv),
  undici: { connections: POOL_CONNECTIONS, pipelining: 1, keepAliveTimeout: 60_000 },
});
await server.listen({ host: "127.0.0.1", port: 0 });
say(server.server.address() as { port: number });
