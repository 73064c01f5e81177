// A plain service to try Switchyard with: notes over REST and an echo over a socket, in memory. Run it twice, and you have two
// arms. Each makes its own ids, as two real backends would.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { WebSocketServer } from "ws";

interface Note {
  readonly id: string;
  title: string;
  text: string;
  version: number;
}

const { PORT = "0", NAME = "notes", DEFECT = "" } = process.env;
const BODY_BYTES_MAX = 64 * 1024;
const NOTES_MAX = 10_000;

/** By user. */
const notes = new Map<string, Map<string, Note>>();

/** Whose call it is: the proxy in front has verified the token, only its claim is read here. */
function userOf(request: IncomingMessage): string | null {
  const payload = request.headers.authorization?.split(".")[1];
  if (payload === undefined) return null;
  try {
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { readonly sub?: unknown };
    return typeof claims.sub === "string" ? claims.sub : null;
  } catch {
    return null;
  }
}

async function bodyOf(request: IncomingMessage): Promise<Partial<Note>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new RangeError("too long");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Partial<Note>;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** What the candidate may get wrong, so that there is something to find. */
const shown = (note: Note): object =>
  DEFECT === "version-as-text" ? { ...note, version: String(note.version) } : note;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, root, id] = (request.url ?? "").split("?")[0]?.split("/") ?? [];
  if (root === "healthz") return reply(response, 200, { name: NAME });
  if (root !== "notes") return reply(response, 404, { error: "no such path" });
  const user = userOf(request);
  if (user === null) return reply(response, 401, { error: "a token is needed" });
  const own = notes.get(user) ?? new Map<string, Note>();
  notes.set(user, own);
  if (id === undefined && request.method === "GET")
    return reply(response, 200, { notes: [...own.values()].map(shown) });
  if (id === undefined && request.method === "POST") {
    const { title = "", text = "" } = await bodyOf(request);
    if (own.size >= NOTES_MAX) return reply(response, 409, { error: "too many notes" });
    const note = { id: randomUUID(), title, text, version: 1 };
    own.set(note.id, note);
    return reply(response, 201, shown(note));
  }
  const note = own.get(id ?? "");
  if (note === undefined) return reply(response, 404, { error: "no such note" });
  if (request.method === "GET") return reply(response, 200, shown(note));
  if (request.method === "PUT") {
    const { title = note.title, text = note.text } = await bodyOf(request);
    Object.assign(note, { title, text, version: note.version + 1 });
    return reply(response, 200, shown(note));
  }
  if (request.method !== "DELETE") return reply(response, 405, { error: "no such method" });
  own.delete(note.id);
  response.writeHead(204).end();
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => {
    if (!response.headersSent) reply(response, 400, { error: "a JSON object is needed" });
  });
});
const sockets = new WebSocketServer({ server, path: "/echo", maxPayload: BODY_BYTES_MAX });
sockets.on("connection", (socket) => {
  socket.send(JSON.stringify({ type: "hello", service: "notes" }));
  socket.on("error", () => socket.close());
  socket.on("message", (data: Buffer) => {
    const { type, id, text } = JSON.parse(data.toString("utf8")) as Record<string, unknown>;
    if (type === "ping") socket.send(JSON.stringify({ type: "pong" }));
    else socket.send(JSON.stringify({ type: "echo", id, text, length: String(text).length }));
  });
});
server.listen(Number(PORT), "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  process.stdout.write(`${JSON.stringify({ msg: "listening", name: NAME, address: `http://127.0.0.1:${port}` })}\n`);
});
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    sockets.close();
    for (const socket of sockets.clients) socket.close(1001);
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
