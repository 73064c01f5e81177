import { request as httpRequest } from "node:http";
import type { Json } from "./json.ts";

export interface Reply {
  readonly status: number;
  /** Names in lower case; repeated headers are joined as Node joins them. */
  readonly headers: Record<string, string>;
  /** Name, value, name, value, … exactly as received. */
  readonly rawHeaders: string[];
  readonly body: Buffer;
  readonly text: string;
  json(): Json;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  /** Bytes or text go out as they are; undefined sends no body at all. */
  readonly body?: string | Buffer | undefined;
  readonly timeoutMs?: number;
}

function flatten(headers: NodeJS.Dict<string[] | string>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    flat[name] = Array.isArray(value) ? value.join(", ") : (value ?? "");
  return flat;
}

/** One plain HTTP/1.1 call on its own connection: nothing is retried, decoded, followed or added. */
export function call(baseUrl: string, { method, path, headers = {}, body, timeoutMs = 20_000 }: Call): Promise<Reply> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
    const outgoing = httpRequest(
      { host: hostname, port, method, path, headers: { Connection: "close", ...length, ...headers }, agent: false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString("utf8");
          resolve({
            status: incoming.statusCode ?? 0,
            headers: flatten(incoming.headers),
            rawHeaders: incoming.rawHeaders,
            body: bytes,
            text,
            json: () => JSON.parse(text),
          });
        });
      },
    );
    outgoing.setTimeout(timeoutMs, () =>
      outgoing.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs} ms`)),
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
