// The real process with CONVEX_URL: everything it stores goes over the official clients.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import jsonwebtoken from "jsonwebtoken";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { startEmbeddedHost } from "./testing/embeddedHost.ts";
import { privatePem } from "./testing/tokens.ts";

const SECRET = "a-secret-of-at-least-thirty-two-bytes";

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exited: Promise<number | null>;
  /** `http://host:port` once it listens. */
  readonly origin: Promise<string>;
}

function run(t: TestContext, entry: string, env: Record<string, string>): Running {
  const path = fileURLToPath(new URL(entry, import.meta.url));
  const child = spawn(process.execPath, [path], { env: { PATH: process.env["PATH"] ?? "", PORT: "0", ...env } });
  t.after(() => child.kill("SIGKILL"));
  let out = "";
  const origin = new Promise<string>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      const port = /"port":(\d+)/.exec(out)?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
  });
  child.stderr.on("data", (chunk: Buffer) => (out += chunk.toString()));
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return { child, output: () => out, exited, origin };
}

function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "convex-url-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function login(sub: string): { Authorization: string } {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub, email: `${sub}@example.org`, iat: now, exp: now + 600, type: "access", jti: sub };
  return { Authorization: `Bearer ${jsonwebtoken.sign(claims, SECRET)}` };
}

const post = (url: string, headers: Record<string, string>, body?: unknown) =>
  fetch(url, { method: "POST", headers, ...(body !== undefined && { body: JSON.stringify(body) }) });

/** Frames of a socket, one after the other. */
function connect(url: string, headers: Record<string, string>) {
  const ws = new WebSocket(url.replace(/^http/, "ws"), { headers });
  const frames: Buffer[] = [];
  ws.on("message", (data: Buffer) => frames.push(data));
  const next = async (): Promise<Buffer> => {
    while (frames.length === 0) await once(ws, "message");
    return frames.shift() ?? Buffer.alloc(0);
  };
  return { ws, next };
}

async function closed(ws: WebSocket): Promise<void> {
  ws.close();
  await once(ws, "close");
}

test("sessions, turns, keyed writes and boards live in the deployment, and outlive both processes", async (t) => {
  const dataDir = temporaryDir(t);
  const deployment = await startEmbeddedHost({ DATA_DIR: dataDir });
  t.after(deployment.stop);
  const model = await run(t, "../modelStandIn/main.ts", { STANDIN_CHUNK_MS: "1", STANDIN_DELAY_MS: "0" }).origin;
  const env = {
    JWT_SECRET_KEY: SECRET,
    OPENAI_BASE_URL: `${model}/v1`,
    CONVEX_URL: `${deployment.url}/`,
    DATA_DIR: dataDir,
  };
  const ann = login("ann");
  const first = run(t, "main.ts", env);
  const origin = await first.origin;
  assert.equal((await fetch(`${origin}/readyz`)).status, 200);

  const made = await post(`${origin}/api/v1/sessions`, ann);
  const { session_id: id } = (await made.json()) as { session_id: string };
  const keyed = { ...ann, "Idempotency-Key": "k" };
  const folders = await Promise.all([1, 2, 3].map(() => post(`${origin}/api/v1/folders`, keyed, { name: "f" })));
  assert.equal(new Set(await Promise.all(folders.map((reply) => reply.text()))).size, 1);

  const tutor = connect(`${origin}/ws/v2/session/${id}`, ann);
  await tutor.next();
  tutor.ws.send(JSON.stringify({ type: "user_message", data: { text: "What is osmosis?" } }));
  assert.equal(JSON.parse((await tutor.next()).toString()).content_type, "explanation");
  await closed(tutor.ws);

  const doc = new Y.Doc();
  doc.getMap("objects").set("o", { kind: "rect", metadata: { source: "user" } });
  const board = connect(`${origin}/ws/v2/session/${id}/whiteboard`, ann);
  await board.next();
  board.ws.send(Y.encodeStateAsUpdate(doc));
  board.ws.send("text");
  await once(board.ws, "close");

  const other = await fetch(`${origin}/api/v1/sessions/${id}/messages`, { headers: login("bob") });
  assert.ok([403, 404].includes(other.status), String(other.status));
  first.child.kill("SIGTERM");
  assert.equal(await first.exited, 0);
  await deployment.stop();
  await deployment.startAgain();

  const again = await run(t, "main.ts", env).origin;
  const messages = await (await fetch(`${again}/api/v1/sessions/${id}/messages`, { headers: ann })).json();
  assert.equal((messages as unknown[]).length, 2);
  const restored = new Y.Doc();
  Y.applyUpdate(restored, await connect(`${again}/ws/v2/session/${id}/whiteboard`, ann).next());
  assert.deepEqual(restored.getMap("objects").toJSON(), doc.getMap("objects").toJSON());
  assert.ok(!first.output().includes("eyJ"), "no token is logged");
});

test("while the deployment is away the service says so, and serves again when it is back", async (t) => {
  const dataDir = temporaryDir(t);
  const env = { DATA_DIR: dataDir, SWITCHYARD_SIGNING_KEY: privatePem() };
  const deployment = await startEmbeddedHost(env);
  t.after(deployment.stop);
  const origin = await run(t, "main.ts", { JWT_SECRET_KEY: SECRET, CONVEX_URL: deployment.url, ...env }).origin;
  const list = () => fetch(`${origin}/api/v1/folders`, { headers: login("ann") });
  assert.equal((await list()).status, 200);

  await deployment.stop();
  const ready = await fetch(`${origin}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal(((await ready.json()) as { checks: { store: string } }).checks.store, "fail");
  const refused = await list();
  assert.equal(refused.status, 503);
  assert.equal(((await refused.json()) as { error_code: string }).error_code, "STORE_UNAVAILABLE");

  await deployment.startAgain();
  assert.equal((await fetch(`${origin}/readyz`)).status, 200);
  assert.equal((await list()).status, 200);
});

test("without CONVEX_URL the process ends with a sentence and the code of a wrong configuration", async (t) => {
  const started = run(t, "main.ts", { JWT_SECRET_KEY: SECRET, DATA_DIR: temporaryDir(t) });
  assert.equal(await started.exited, 3);
  assert.match(started.output(), /^candidate: CONVEX_URL must be set: .*npm run candidate.*\.\n$/);
});

test("unusable keys end the process with a sentence and the code of a wrong configuration", async (t) => {
  const dataDir = temporaryDir(t);
  writeFileSync(join(dataDir, "candidate"), "a file where the folder should be");
  const started = run(t, "main.ts", { JWT_SECRET_KEY: SECRET, CONVEX_URL: "http://127.0.0.1:9", DATA_DIR: dataDir });
  assert.equal(await started.exited, 3);
  assert.match(started.output(), /^candidate: .*signingKeys\.pem: ENOTDIR\.\n$/);
});
