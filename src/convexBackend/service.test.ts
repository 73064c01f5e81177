// The real process with the real stand-in model, over its own ports.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import jsonwebtoken from "jsonwebtoken";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { type EmbeddedHost, startEmbeddedHost } from "./testing/embeddedHost.ts";

const SECRET = "a-secret-of-at-least-thirty-two-bytes";
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const children: ChildProcess[] = [];

function run(entry: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [here(entry)], { env: { PATH: process.env["PATH"] ?? "", ...env } });
  children.push(child);
  const seen = { out: "", err: "" };
  child.stderr.on("data", (chunk: Buffer) => (seen.err += chunk.toString()));
  const listening = new Promise<number>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      seen.out += chunk.toString();
      const line = seen.out.split("\n").find((text) => text.includes('"listening"'));
      if (line) resolve((JSON.parse(line) as { port: number }).port);
    });
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return { child, seen, listening, exited };
}

const DATA_DIR = mkdtempSync(join(tmpdir(), "candidate-service-"));
let modelUrl = "";
let host: EmbeddedHost | null = null;
const start = async (env: Record<string, string> = {}) => {
  const own = { JWT_SECRET_KEY: SECRET, PORT: "0", OPENAI_BASE_URL: modelUrl, CONVEX_URL: host?.url ?? "", DATA_DIR };
  const service = run("main.ts", { ...own, ...env });
  const port = await service.listening;
  return { ...service, origin: `127.0.0.1:${port}` };
};
let shared: Awaited<ReturnType<typeof start>>;

before(async () => {
  const model = run("../modelStandIn/main.ts", { PORT: "0", STANDIN_CHUNK_MS: "1", STANDIN_DELAY_MS: "0" });
  modelUrl = `http://127.0.0.1:${await model.listening}/v1`;
  host = await startEmbeddedHost({ DATA_DIR });
  shared = await start();
});
after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await host?.stop();
  rmSync(DATA_DIR, { recursive: true, force: true, maxRetries: 5 });
});

let subjects = 0;
const login = (): { Authorization: string } => {
  subjects += 1;
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    sub: `user-${subjects}`,
    email: `u${subjects}@example.org`,
    iat: now,
    exp: now + 600,
    type: "access",
    jti: `j${subjects}`,
  };
  return { Authorization: `Bearer ${jsonwebtoken.sign(claims, SECRET)}` };
};
const call = (origin: string, method: string, path: string, headers: Record<string, string>, body?: unknown) =>
  fetch(`http://${origin}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });

async function newSession(origin: string, headers: Record<string, string>): Promise<string> {
  const reply = await call(origin, "POST", "/api/v1/sessions", headers);
  return ((await reply.json()) as { session_id: string }).session_id;
}

function connect(url: string, headers: Record<string, string>) {
  const ws = new WebSocket(url, { headers });
  const frames: Buffer[] = [];
  let wake = (): void => undefined;
  ws.on("message", (data: Buffer) => {
    frames.push(data);
    wake();
  });
  ws.on("error", () => undefined);
  const closed = once(ws, "close").then(([code]) => code as number);
  const next = async (): Promise<Buffer> => {
    while (frames.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return frames.shift() ?? Buffer.alloc(0);
  };
  const nextJson = async (): Promise<Record<string, any>> => JSON.parse((await next()).toString());
  return { ws, next, nextJson, closed };
}

test("a wrong environment ends the process with a sentence and the code of its kind", async () => {
  const busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
  const { port } = busy.address() as AddressInfo;
  const cases: [Record<string, string>, number, RegExp][] = [
    [{ JWT_SECRET_KEY: "short" }, 3, /JWT_SECRET_KEY/],
    [{ JWT_SECRET_KEY: SECRET, FAULTS: "nope" }, 2, /unknown fault "nope"/],
    [{ JWT_SECRET_KEY: SECRET, PORT: String(port) }, 4, /in use/],
  ];
  const runs = cases.map(([env]) => run("main.ts", { PORT: "0", CONVEX_URL: "http://127.0.0.1:9", DATA_DIR, ...env }));
  for (const [i, [, code, sentence]] of cases.entries()) {
    assert.equal(await runs[i]?.exited, code);
    assert.match(runs[i]?.seen.err ?? "", sentence);
    assert.equal(runs[i]?.seen.out, "");
  }
  busy.close();
});

test("a streamed turn: deltas add up to the explanation, which is stored before it is sent", async () => {
  const user = login();
  const id = await newSession(shared.origin, user);
  const socket = connect(`ws://${shared.origin}/ws/v2/session/${id}?stream=1`, user);
  assert.equal((await socket.nextJson())["type"], "SESSION_INIT_STATE");
  socket.ws.send(JSON.stringify({ type: "user_message", data: { text: "What is osmosis?" } }));
  let deltas = "";
  let frame = await socket.nextJson();
  for (; frame["type"] === "raw_delta"; frame = await socket.nextJson()) deltas += frame["delta"];
  assert.equal(frame["data"].explanation_text, deltas);
  assert.equal(frame["turn_id"], `${id}:2`);
  const rows = (await (await call(shared.origin, "GET", `/api/v1/sessions/${id}/messages`, user)).json()) as {
    text: string;
  }[];
  assert.deepEqual(
    rows.map((row) => row.text),
    ["What is osmosis?", deltas],
  );
  socket.ws.terminate();
});

test("two requests of one key at the same time make one folder", async () => {
  const user = { ...login(), "Idempotency-Key": "same" };
  const post = () => call(shared.origin, "POST", "/api/v1/folders/", user, { name: "a" });
  const replies = await Promise.all([post(), post(), post()]);
  assert.deepEqual(
    replies.map((reply) => reply.status),
    [201, 201, 201],
  );
  assert.equal(new Set(await Promise.all(replies.map((reply) => reply.text()))).size, 1);
  assert.equal(replies.filter((reply) => reply.headers.get("idempotency-replayed") === "true").length, 2);
});

test("two boards converge, and what the last socket left is there again", async () => {
  const user = login();
  const id = await newSession(shared.origin, user);
  const url = `ws://${shared.origin}/ws/v2/session/${id}/whiteboard`;
  const [a, b] = [connect(url, user), connect(url, user)];
  assert.deepEqual([...(await a.next())], [0, 0]);
  assert.deepEqual([...(await b.next())], [0, 0]);
  const doc = new Y.Doc();
  doc.getMap("objects").set("o", { kind: "rect", metadata: { source: "user" } });
  const update = Buffer.from(Y.encodeStateAsUpdate(doc));
  a.ws.send(update);
  assert.ok((await b.next()).equals(update));
  for (const socket of [a, b]) {
    socket.ws.close();
    await socket.closed;
  }
  const again = connect(url, user);
  const restored = new Y.Doc();
  Y.applyUpdate(restored, await again.next());
  assert.deepEqual(restored.getMap("objects").toJSON(), doc.getMap("objects").toJSON());
  again.ws.send("text");
  assert.equal(await again.closed, 1_003);
  const foreign = connect(url, login());
  assert.equal(await foreign.closed, 4_403);
});

test("the end of the process finishes the running turn, closes sockets 1012 and exits 0", async () => {
  const service = await start();
  const user = login();
  const id = await newSession(service.origin, user);
  const socket = connect(`ws://${service.origin}/ws/v2/session/${id}`, user);
  await socket.nextJson();
  socket.ws.send(JSON.stringify({ type: "user_message", data: { text: "!slow=400 hello" } }));
  socket.ws.send(JSON.stringify({ type: "heartbeat" }));
  assert.equal((await socket.nextJson())["type"], "heartbeat_ack");
  service.child.kill("SIGTERM");
  assert.equal((await socket.nextJson())["content_type"], "explanation");
  assert.equal(await socket.closed, 1_012);
  assert.equal(await service.exited, 0);
});

test("the log names routes and events and never a token, a query or a text", async () => {
  const lines = shared.seen.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const kinds = new Set(lines.map((line) => line["msg"]));
  for (const kind of ["listening", "request", "handshake", "turn", "close"]) assert.ok(kinds.has(kind), kind);
  for (const secret of ["osmosis", "eyJ", "stream=1", "Bearer"]) assert.ok(!shared.seen.out.includes(secret), secret);
});
