// Bodies in several parts as values that can be compared (shadow §5; RFC 7578, RFC 2046 §5.1.1). Own code: parsers of others guess where
// the RFC leaves no choice (a line that only begins with the boundary, a part without headers), and two arms would be equal by a guess.
import { hash } from "node:crypto";
import { type Allowance, fullAllowance, JSON_LIMITS } from "../json/reader.ts";
import type { JsonValue } from "../json/values.ts";
import { parametersOf } from "./parameters.ts";

/** JSON or a text; null: it is neither, or not what its type says. */
export type ReadPart = (bytes: Uint8Array, contentType: string, allowance: Allowance) => JsonValue | null;

interface RawPart {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** RFC 2046 §5.1.1. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
/** Of all headers of a part. */
const HEAD_BYTES_MAX = 16 * 1_024;
/** What a part is made of, besides what its body says (shadow N3). */
const NODES_OF_PART = 6;
const CRLF = Buffer.from("\r\n");
const BLANKS = [0x20, 0x09];
/** RFC 2046 §5.1: of a part that does not say. */
const PLAIN = "text/plain";

/**
 * Of form data the parts of each name in order, of other kinds all in order. Boundaries, what stands before and behind, and the order and
 * spelling of the parts' headers mean nothing. Null: it is malformed, or holds more than is read of any body (shadow N3).
 */
export function readMultipart(bytes: Uint8Array, contentType: string, readPart: ReadPart): JsonValue | null {
  const type = parametersOf(contentType);
  const boundary = type?.parameters.get("boundary") ?? "";
  if (type === null || !BOUNDARY.test(boundary) || bytes.length > JSON_LIMITS.bytes) return null;
  const allowance = fullAllowance();
  const raw = partsOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), boundary, allowance);
  if (raw === null) return null;
  const isForm = type.value === "multipart/form-data";
  const fields: Record<string, JsonValue[]> = Object.create(null) as Record<string, JsonValue[]>;
  const all: JsonValue[] = [];
  for (const one of raw) {
    const part = valueOf(one, isForm, readPart, allowance);
    if (part === null || allowance.nodes < 0) return null;
    if (isForm) (fields[part.name] ??= []).push(part.value);
    else all.push(part.value);
  }
  return isForm ? { ...fields } : all;
}

function valueOf({ headers, body }: RawPart, isForm: boolean, readPart: ReadPart, allowance: Allowance) {
  const disposition = parametersOf(headers.get("content-disposition") ?? "attachment");
  const name = disposition?.parameters.get("name");
  // RFC 7578 §4.2: each has both.
  if (disposition === null || (isForm && (name === undefined || disposition.value !== "form-data"))) return null;
  const contentType = headers.get("content-type") ?? PLAIN;
  const type = parametersOf(contentType);
  if (type === null) return null;
  const filename = disposition.parameters.get("filename");
  const encoding = (headers.get("content-transfer-encoding") ?? "binary").trim().toLowerCase();
  const isPlain = encoding === "binary" || encoding === "8bit" || encoding === "7bit";
  const read = isPlain ? readPart(body, contentType, allowance) : null;
  const value = {
    type: type.value,
    ...(filename !== undefined && { filename }),
    ...(!isForm && name !== undefined && { name }),
    ...(!isPlain && { encoding }),
    ...(read === null ? { bytes: body.length, sha256: hash("sha256", body, "hex") } : { body: read }),
  };
  return { name: name ?? "", value };
}

/** Null: malformed, or too many. */
function partsOf(bytes: Buffer, boundary: string, allowance: Allowance): readonly RawPart[] | null {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const isAtStart = bytes.subarray(0, delimiter.length - CRLF.length).equals(delimiter.subarray(CRLF.length));
  let from = isAtStart ? delimiter.length - CRLF.length : after(bytes, delimiter, 0);
  const parts: RawPart[] = [];
  while (from !== null) {
    const line = endOfDelimiter(bytes, from);
    if (line === null) return null;
    if (line.isLast) return parts.length === 0 ? null : parts;
    allowance.nodes -= NODES_OF_PART;
    if (allowance.nodes < 0) return null;
    // The empty line behind no headers may be the delimiter's own.
    const next = bytes.indexOf(delimiter, line.at - CRLF.length);
    const part = next < 0 ? null : partOf(bytes.subarray(line.at, Math.max(line.at, next)));
    if (part === null) return null;
    parts.push(part);
    from = next + delimiter.length;
  }
  return null;
}

function after(bytes: Buffer, what: Buffer, from: number): number | null {
  const at = bytes.indexOf(what, from);
  return at < 0 ? null : at + what.length;
}

/** Of the line that began with the boundary; null: it is another's, or has no end. */
function endOfDelimiter(bytes: Buffer, from: number): { readonly isLast: boolean; readonly at: number } | null {
  const isLast = bytes[from] === 0x2d && bytes[from + 1] === 0x2d;
  let at = isLast ? from + 2 : from;
  while (BLANKS.includes(bytes[at] ?? 0)) at += 1;
  if (isLast && at === bytes.length) return { isLast, at };
  return bytes[at] === 0x0d && bytes[at + 1] === 0x0a ? { isLast, at: at + CRLF.length } : null;
}

/** @param bytes from behind the delimiter's line up to the next delimiter */
function partOf(bytes: Buffer): RawPart | null {
  const hasNoHeaders = bytes.subarray(0, CRLF.length).equals(CRLF);
  const end = hasNoHeaders ? 0 : bytes.indexOf("\r\n\r\n");
  if (end < 0 || end > HEAD_BYTES_MAX) return null;
  const headers = hasNoHeaders ? new Map<string, string>() : headersOf(bytes.subarray(0, end));
  return headers === null ? null : { headers, body: bytes.subarray(end + (hasNoHeaders ? 1 : 2) * CRLF.length) };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Names are in UTF-8 (RFC 7578 §5.1). Null: no headers, or one that counts twice. */
function headersOf(bytes: Buffer): ReadonlyMap<string, string> | null {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return null;
  }
  const headers = new Map<string, string>();
  // RFC 5322 §2.2.3: a line that begins with a blank goes on with the one before.
  for (const line of text.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n")) {
    const [, name = "", value = ""] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:(.*)$/s.exec(line) ?? [];
    const known = name.toLowerCase();
    if (known === "" || headers.has(known)) return null;
    headers.set(known, value.trim());
  }
  return headers;
}
