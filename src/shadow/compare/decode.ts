// From the bytes of a reply to something that can be compared (shadow §5): content coding, then by media type.
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { type Allowance, fullAllowance, JSON_LIMITS, type JsonNote, readJson } from "../json/reader.ts";
import type { JsonValue } from "../json/values.ts";
import { headerIn } from "../headerList.ts";
import type { Reply } from "../observation.ts";
import { readEventStream } from "./eventStream.ts";
import { readMultipart } from "./multipart.ts";

export type Decoded =
  /** Whatever can be seen as a JSON value: JSON itself, lines of it, a form, parts, a text. */
  | { readonly as: "value"; readonly value: JsonValue; readonly notes: ReadonlySet<JsonNote> }
  | { readonly as: "bytes"; readonly bytes: Uint8Array; readonly isUndecodable: boolean };

export const headerOf = ({ headers }: Pick<Reply, "headers">, name: string): string | null => headerIn(headers, name);

/** Without parameters, in lower case; "" for none. */
export const mediaTypeOf = (contentType: string | null): string =>
  (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

const NO_NOTES: ReadonlySet<JsonNote> = new Set();
/** A decompressed body is bounded like any other: a small one may hold gigabytes. */
const BOUND = { maxOutputLength: JSON_LIMITS.bytes };
const CODINGS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes, BOUND),
  "x-gzip": (bytes) => gunzipSync(bytes, BOUND),
  br: (bytes) => brotliDecompressSync(bytes, BOUND),
  // Some servers send raw deflate under this name (RFC 9110 §8.4.1.2).
  deflate: (bytes) => (((bytes[0] ?? 0) & 0x0f) === 8 ? inflateSync(bytes, BOUND) : inflateRawSync(bytes, BOUND)),
};

/** Nobody needs more, and each one may make all of the body anew. */
const CODINGS_MAX = 4;

/** Null: the coding is unknown, the bytes are not in it, or there are too many of either. */
export function uncoded(reply: Reply): Uint8Array | null {
  const codings = (headerOf(reply, "content-encoding") ?? "").toLowerCase().split(",");
  if (codings.length > CODINGS_MAX) return null;
  let bytes: Uint8Array = reply.body;
  for (const coding of codings.map((one) => one.trim()).reverse()) {
    if (coding === "") continue;
    const decode = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
    if (decode === undefined) return null;
    try {
      bytes = decode(bytes);
    } catch {
      return null;
    }
  }
  return bytes;
}

const STRICT = { fatal: true, ignoreBOM: true };
/** Nearly every body's; making one takes as long as a small body. */
const utf8 = new TextDecoder("utf-8", STRICT);

function textOf(bytes: Uint8Array, contentType: string): string | null {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? "utf-8";
  try {
    return (charset.toLowerCase() === "utf-8" ? utf8 : new TextDecoder(charset, STRICT)).decode(bytes);
  } catch {
    return null; // an unknown charset, or bytes that are not in it
  }
}

function linesOf(text: string): { readonly value: JsonValue; readonly notes: ReadonlySet<JsonNote> } | null {
  const values: JsonValue[] = [];
  const notes = new Set<JsonNote>();
  const allowance = fullAllowance();
  const lines = text.split("\n", JSON_LIMITS.nodes + 1);
  if (lines.length > JSON_LIMITS.nodes) return null;
  for (const line of lines) {
    if (line.trim() === "") continue;
    const reading = readJson(line, allowance);
    if ("undecodable" in reading) return null;
    values.push(reading.value);
    for (const note of reading.notes) notes.add(note);
  }
  return { value: values, notes };
}

/** A field is a list with a value in it. */
const FIELDS_MAX = JSON_LIMITS.nodes / 2;

/** Fields by name, each with its values in order: repeated names are legal. Null: more than are read of any body (shadow N3). */
function formOf(text: string): JsonValue | null {
  if (text.split("&", FIELDS_MAX + 1).length > FIELDS_MAX) return null;
  const fields: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(text)) (fields[name] ??= []).push(value);
  return { ...fields };
}

const isJson = (type: string): boolean => type === "application/json" || /^[^/]+\/[^/]+\+json$/.test(type);
const isJsonLines = (type: string): boolean => /^application\/(?:x-)?(?:ndjson|jsonl|json-lines)$/.test(type);

function textValue(type: string, text: string): JsonValue | null {
  if (type === "text/event-stream") return readEventStream(text);
  return type.startsWith("text/") ? text : formOf(text);
}

const isMultipart = (type: string): boolean => type.startsWith("multipart/");

/** Of the parts of a body those that are JSON or a text; parts within a part stay bytes. */
function readPart(bytes: Uint8Array, contentType: string, allowance: Allowance): JsonValue | null {
  const type = mediaTypeOf(contentType);
  if (!isJson(type) && !type.startsWith("text/")) return null;
  const text = textOf(bytes, contentType);
  if (text === null || !isJson(type)) return text;
  const reading = readJson(text, allowance);
  return "value" in reading ? reading.value : null;
}

/** Never throws. @param bytes of the reply without its content coding */
export function decode(reply: Reply, bytes: Uint8Array | null = uncoded(reply)): Decoded {
  if (bytes === null) return { as: "bytes", bytes: reply.body, isUndecodable: true };
  const contentType = headerOf(reply, "content-type") ?? "";
  const type = mediaTypeOf(contentType);
  const undecodable: Decoded = { as: "bytes", bytes, isUndecodable: true };
  if (bytes.length === 0) return { as: "bytes", bytes, isUndecodable: false };
  if (isMultipart(type)) {
    const value = readMultipart(bytes, contentType, readPart);
    return value === null ? undecodable : { as: "value", value, notes: NO_NOTES };
  }
  const isText = type.startsWith("text/") || type === "application/x-www-form-urlencoded";
  if (!isText && !isJson(type) && !isJsonLines(type)) return { as: "bytes", bytes, isUndecodable: false };
  const text = textOf(bytes, contentType);
  if (text === null) return undecodable;
  if (isJson(type)) {
    const reading = readJson(text);
    return "value" in reading ? { as: "value", ...reading } : undecodable;
  }
  if (isJsonLines(type)) {
    const lines = linesOf(text);
    return lines === null ? undecodable : { as: "value", ...lines };
  }
  const value = textValue(type, text);
  return value === null ? undecodable : { as: "value", value, notes: NO_NOTES };
}
