import { createHash } from "node:crypto";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { canonicalJson, type Json } from "./json.ts";
import { playScript, type ScriptedReply } from "./modelScript.ts";

export interface RecordedCall {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Json;
  /** The canonical request of contract services §1. */
  readonly key: string;
  readonly at: number;
}

const CALLS_MAX = 50_000;

export function canonicalRequest(body: Json): string {
  const { model, messages, temperature } = body;
  const value = { endpoint: "chat", model, messages, temperature, response_format: body.response_format ?? null };
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

function readBody(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => resolve(Buffer.concat(chunks)));
    incoming.on("error", reject);
  });
}

function forward(upstream: string, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): void {
  const target = new URL(upstream);
  const call = httpRequest(
    {
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
      agent: false,
    },
    (reply) => {
      outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
      outgoing.flushHeaders();
      reply.on("error", () => outgoing.destroy()); // a cut connection is passed on as one
      reply.on("aborted", () => outgoing.destroy());
      reply.pipe(outgoing);
    },
  );
  call.on("error", () => outgoing.destroy());
  outgoing.on("close", () => call.destroy());
  call.end(body);
}

function lastUserText(body: Json): string {
  const users = (body.messages as Json[]).filter((message) => message.role === "user");
  return String(users.at(-1)?.content ?? "");
}

/**
 * Stands between an arm and the stand-in model: writes down every request, answers the ones a test has scripted
 * (recognised by a word in the last user message) and forwards the rest. Tests steer it over `/control/*`.
 */
export async function startModelRecorder(upstream: string) {
  const calls: RecordedCall[] = [];
  const scripts = new Map<string, ScriptedReply[]>();

  function record(incoming: IncomingMessage, body: Json): void {
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([k, v]) => [k, String(v)]));
    calls.push({ path: incoming.url ?? "", headers, body, key: canonicalRequest(body), at: Date.now() });
    if (calls.length > CALLS_MAX) calls.shift();
  }

  function control(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): void {
    const url = new URL(incoming.url ?? "/", "http://recorder");
    const needle = url.searchParams.get("needle") ?? "";
    if (incoming.method === "PUT") {
      scripts.set(needle, JSON.parse(body.toString("utf8")) as ScriptedReply[]);
      outgoing.writeHead(204).end();
      return;
    }
    const found = calls.filter((entry) => JSON.stringify(entry.body.messages).includes(needle));
    outgoing.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(found));
  }

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const bytes = await readBody(incoming);
    if (incoming.url?.startsWith("/control/")) return control(incoming, bytes, outgoing);
    if (incoming.url === "/v1/chat/completions") {
      const body: Json = JSON.parse(bytes.toString("utf8"));
      record(incoming, body);
      const text = lastUserText(body);
      const needle = [...scripts.keys()].find((word) => text.includes(word));
      const reply = needle === undefined ? undefined : scripts.get(needle)?.shift();
      if (reply) return playScript(reply, body, outgoing);
    }
    forward(upstream, incoming, bytes, outgoing);
  }

  const server = createServer((incoming, outgoing) => {
    outgoing.on("error", () => outgoing.destroy());
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address && typeof address === "object" ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    async stop(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
