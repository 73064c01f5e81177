// What the HTTP API is asked with, and what it answers (embedded-convex §3.9). Pure.
import type { JSONValue } from "convex/values";
import { isRecord } from "./authProviders.ts";
import { toPlainJson } from "./plainJson.ts";
import { type Outcome, TransportError } from "./words.ts";

/** `json` for people and other languages, `convex_encoded_json` for the official clients. */
export type JsonFormat = "json" | "convex_encoded_json";

export interface CallBody {
  readonly path: string;
  readonly args: JSONValue;
  readonly format: JsonFormat;
  /** "" for the app. */
  readonly component: string;
  /** Of `/api/query_at_ts`: newest commit to be seen. */
  readonly ts: bigint | null;
}

const QUERIES_PER_BATCH_MAX = 1_000;

/** @throws TransportError 400 `BadJsonBody` */
export function parseJsonBody(text: string): Readonly<Record<string, unknown>> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw badBody("expected JSON");
  }
  if (!isRecord(body)) throw badBody("expected a JSON object");
  return body;
}

/**
 * One call. `client` is the `Convex-Client` header: the official npm clients before `format` existed meant the encoded one.
 * @throws TransportError 400
 */
export function parseCall(body: Readonly<Record<string, unknown>>, client: string | undefined): CallBody {
  const { path, args, format, componentPath, ts } = body;
  if (typeof path !== "string" || path === "") throw badBody('"path": expected the name of a function, "module:name"');
  if (componentPath !== undefined && componentPath !== null && typeof componentPath !== "string") {
    throw badBody('"componentPath": expected a text');
  }
  return {
    path,
    args: parseArgs(args),
    format: parseFormat(format, client),
    component: componentPath ?? "",
    ts: ts === undefined ? null : parseTs(ts),
  };
}

/** The queries of `/api/query_batch`: `{queries: [{path, args, format}]}`. @throws TransportError 400 */
export function parseBatch(body: Readonly<Record<string, unknown>>, client: string | undefined): readonly CallBody[] {
  const { queries } = body;
  if (!Array.isArray(queries) || queries.length > QUERIES_PER_BATCH_MAX) {
    throw badBody(`"queries": expected an array of at most ${QUERIES_PER_BATCH_MAX}`);
  }
  return queries.map((query: unknown) => {
    if (!isRecord(query)) throw badBody('"queries": expected objects');
    return parseCall(query, client);
  });
}

/** `{path, args, format}` of `GET /api/query`, where `args` is JSON as text. @throws TransportError 400 */
export function parseCallUrl(parameters: URLSearchParams): Readonly<Record<string, unknown>> {
  const args = parameters.get("args");
  return {
    path: parameters.get("path") ?? undefined,
    args: args === null ? {} : parseJsonBody(`{"args":${args}}`)["args"],
    format: parameters.get("format") ?? undefined,
  };
}

/** `module:name` of `/api/run/{module}/{name}`; a module may lie in folders. @throws TransportError 400 */
export function functionPathOfUrl(segments: string): string {
  let parts: string[];
  try {
    parts = segments.split("/").map(decodeURIComponent);
  } catch {
    throw new TransportError(400, "BadFunctionPath", "expected a path in percent-encoding that can be decoded");
  }
  const name = parts.pop() ?? "";
  return parts.length === 0 ? name : `${parts.join("/")}:${name}`;
}

/** The object itself, or an array of one, as the official clients send it; left out, it is empty. */
function parseArgs(args: unknown): JSONValue {
  const first: unknown = Array.isArray(args) && args.length <= 1 ? args[0] : args;
  if (first === undefined) return {};
  if (!isRecord(first)) throw badBody('"args": expected an object, or an array of one object');
  return first as JSONValue;
}

function parseFormat(format: unknown, client: string | undefined): JsonFormat {
  if (format === "json" || format === "convex_encoded_json") return format;
  if (format !== undefined && format !== null) throw badBody('"format": expected "json" or "convex_encoded_json"');
  return client?.startsWith("npm-") === true ? "convex_encoded_json" : "json";
}

/** Timestamps on the wire: base64 of a little-endian u64. */
function parseTs(ts: unknown): bigint {
  const bytes = typeof ts === "string" ? Buffer.from(ts, "base64") : Buffer.alloc(0);
  if (bytes.length !== 8) throw badBody('"ts": expected base64 of 8 bytes, as /api/query_ts gives it');
  return bytes.readBigUInt64LE();
}

export function encodeTs(ts: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}

/** JSON text of `{status, value, logLines}`, or of `{status, errorMessage, errorData?, logLines}`. */
export function outcomeJson(outcome: Outcome, format: JsonFormat): string {
  const shown = (encoded: JSONValue) => (format === "json" ? toPlainJson(encoded) : encoded);
  const { result, logLines } = outcome;
  if ("failure" in result) {
    const { message, data } = result.failure;
    const errorData = data === undefined ? {} : { errorData: shown(data) };
    return JSON.stringify({ status: "error", errorMessage: message, ...errorData, logLines });
  }
  const value =
    format === "json" ? JSON.stringify(toPlainJson(JSON.parse(result.valueJson) as JSONValue)) : result.valueJson;
  return `{"status":"success","value":${value},"logLines":${JSON.stringify(logLines)}}`;
}

function badBody(expected: string): TransportError {
  return new TransportError(400, "BadJsonBody", `Body of the call: ${expected}`);
}
