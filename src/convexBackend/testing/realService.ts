// The real service process on its own embedded host and stand-in model, for tests over the wire.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import jsonwebtoken from "jsonwebtoken";
import { WebSocket } from "ws";
import { startEmbeddedHost } from "./embeddedHost.ts";

const SECRET = "a-secret-of-at-least-thirty-two-bytes";
const TOKEN = "the-service-token-of-the-test";
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function run(entry: string, env: Record<string, string>, children: ChildProcess[]): Promise<string> {
  const child = spawn(process.execPath, [here(entry)], { env: { PATH: process.env["PATH"] ?? "", ...env } });
  children.push(child);
  let out = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.stderr.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    const line = out.split("\n").find((text) => text.includes('"listening"') && text.endsWith("}"));
    if (line) resolve(`127.0.0.1:${(JSON.parse(line) as { port: number }).port}`);
  });
  child.once("exit", (code) => reject(new Error(`${entry} ended (${code}): ${out}`)));
  return promise;
}

export interface Arm {
  readonly origin: string;
  call(method: string, path: string, headers: object, body?: unknown): Promise<Response>;
  internal(method: string, path: string, body?: unknown): Promise<Response>;
  connect(path: string, headers: Record<string, string>): Promise<TestSocket>;
  digest(userId: string): Promise<any>;
  feed(query?: string): Promise<any>;
  apply(changes: readonly unknown[]): Promise<any>;
  exported(userId: string): Promise<any[]>;
}

export interface TestSocket {
  readonly ws: WebSocket;
  next(): Promise<Buffer>;
  nextJson(): Promise<any>;
  readonly closed: Promise<number>;
}

async function connect(url: string, headers: Record<string, string>): Promise<TestSocket> {
  const ws = new WebSocket(url, { headers });
  const frames: Buffer[] = [];
  let wake = (): void => undefined;
  ws.on("message", (data: Buffer) => {
    frames.push(data);
    wake();
  });
  ws.on("error", () => undefined);
  const closed = once(ws, "close").then(([code]) => code as number);
  await Promise.race([once(ws, "open"), closed]);
  const next = async (): Promise<Buffer> => {
    while (frames.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return frames.shift() ?? Buffer.alloc(0);
  };
  return { ws, next, nextJson: async () => JSON.parse((await next()).toString()) as unknown, closed };
}

function armAt(origin: string): Arm {
  const call = (method: string, path: string, headers: object, body?: unknown): Promise<Response> =>
    fetch(`http://${origin}${path}`, {
      method,
      headers: { ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const internal = (method: string, path: string, body?: unknown): Promise<Response> =>
    call(method, path, { "X-Service-Token": TOKEN }, body);
  const jsonOf = async (reply: Promise<Response>): Promise<any> => {
    const got = await reply;
    if (got.status !== 200) throw new Error(`${got.status}: ${await got.text()}`);
    return got.json();
  };
  return {
    origin,
    call,
    internal,
    connect: (path, headers) => connect(`ws://${origin}${path}`, headers),
    digest: (userId) => jsonOf(internal("GET", `/internal/users/${userId}/digest`)),
    feed: (query = "") => jsonOf(internal("GET", `/internal/changes${query}`)),
    apply: (changes) => jsonOf(internal("POST", "/internal/changes", { changes })),
    async exported(userId) {
      const text = await (await internal("GET", `/internal/users/${userId}/export`)).text();
      return text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
    },
  };
}

export interface Bench {
  readonly arm: Arm;
  /** Another instance of the service on the same store. */
  another(): Promise<Arm>;
  stop(): Promise<void>;
}

/** A deployment of its own with one instance of the service. */
export async function startBench(): Promise<Bench> {
  const DATA_DIR = mkdtempSync(join(tmpdir(), "candidate-continuity-"));
  const children: ChildProcess[] = [];
  const quiet = { PORT: "0", STANDIN_CHUNK_MS: "1", STANDIN_DELAY_MS: "0" };
  const model = await run("../../modelStandIn/main.ts", quiet, children);
  const host = await startEmbeddedHost({ DATA_DIR });
  const env = {
    JWT_SECRET_KEY: SECRET,
    SERVICE_TOKEN: TOKEN,
    PORT: "0",
    OPENAI_BASE_URL: `http://${model}/v1`,
    CONVEX_URL: host.url,
    DATA_DIR,
  };
  const another = async (): Promise<Arm> => armAt(await run("../main.ts", env, children));
  return {
    arm: await another(),
    another,
    async stop() {
      for (const child of children) child.kill("SIGKILL");
      await host.stop();
      rmSync(DATA_DIR, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Headers of a user's own calls. */
export function login(sub: string): { Authorization: string } {
  const now = Math.floor(Date.now() / 1_000);
  const times = { iat: now, exp: now + 600 };
  const claims = { sub, email: `${sub}@example.org`, ...times, type: "access", jti: `jti-${sub}` };
  return { Authorization: `Bearer ${jsonwebtoken.sign(claims, SECRET)}` };
}
