// The HTTP face over a small runner, real files and real tokens, for tests.
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createCommitQueue } from "../commitQueue.ts";
import { createDiskFiles, type DiskFiles } from "../diskFiles.ts";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../httpServer.ts";
import { createCallerAuth } from "../jwksAuth.ts";
import type { CallerAuth, FunctionRunner } from "../ports.ts";
import { createSqliteStore } from "../sqliteStore.ts";

export const ADMIN_KEY = `embedded|${"0123456789abcdef".repeat(4)}`;
const NOW_S = 1_800_000_000;
const ISSUER = "https://issuer.example";
const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** A token of the one provider that the face knows. */
export function tokenOf(subject: string, claims: object = {}): string {
  const payload = { iss: ISSUER, sub: subject, aud: "app", iat: NOW_S - 5, exp: NOW_S + 120, ...claims };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "ES256", typ: "JWT", kid: "k1" })}.${part(payload)}`;
  const key = { key: keys.privateKey, dsaEncoding: "ieee-p1363" } as const;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

export interface HttpFace {
  readonly url: string;
  readonly server: HttpServer;
  readonly files: DiskFiles;
  readonly auth: CallerAuth;
  readonly blobsDir: string;
  /** What the server told `onError`. */
  readonly errors: unknown[];
  stop(): Promise<void>;
}

export async function startHttpFace(
  runner: FunctionRunner,
  options: Partial<Omit<HttpServerOptions, "runner" | "files" | "auth" | "onError">> = {},
): Promise<HttpFace> {
  const dir = mkdtempSync(path.join(tmpdir(), "switchyard-http-"));
  const blobsDir = path.join(dir, "files");
  const clock = () => NOW_S * 1_000;
  const store = createSqliteStore(path.join(dir, "data.sqlite"), { clock });
  store.applySchemas(new Map([["", { tables: [], isValidated: false }]]));
  const files = createDiskFiles({ dir: blobsDir, queue: createCommitQueue(store, { clock }), clock });
  const jwk = { ...keys.publicKey.export({ format: "jwk" }), kid: "k1" };
  const jwks = `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [jwk] }))}`;
  const provider = { type: "customJwt", issuer: ISSUER, applicationID: "app", algorithm: "ES256", jwks } as const;
  const auth = createCallerAuth({ providers: [provider], adminKey: ADMIN_KEY, clock });
  const errors: unknown[] = [];
  const server = createHttpServer({
    runner,
    files,
    auth,
    onSync: (_request, socket) => socket.destroy(),
    origins: [],
    metrics: () => "",
    name: "embedded-test",
    onError: (error) => void errors.push(error),
    ...options,
  });
  const { url } = await server.listen("127.0.0.1", 0);
  return {
    url,
    server,
    files,
    auth,
    blobsDir,
    errors,
    async stop() {
      await server.close();
      await files.settled();
      store.close();
      rmSync(dir, { recursive: true });
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request with headers that `fetch` does not let its callers set. */
export function rawRequest(
  url: string,
  options: { readonly method?: string; readonly path?: string; readonly headers?: object; readonly body?: string } = {},
): Promise<RawAnswer> {
  const { hostname, port, pathname, search } = new URL(url);
  const { method = "GET", path: target = pathname + search, headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path: target, headers: { ...headers }, agent: false });
    request.on("error", reject).on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("error", reject).on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: "" });
    });
    request.end(body);
  });
}
