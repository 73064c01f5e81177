// What a stored file is answered with: headers, ranges, conditions (RFC 9110 §§13, 14). Pure.
import type { StoredFile } from "./ports.ts";

export interface FileRequest {
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

export interface FileAnswer {
  readonly status: 200 | 206 | 304 | 416;
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes to send, both ends included; null for none. */
  readonly bytes: { readonly start: number; readonly end: number } | null;
}

/** Types that a browser shows without running anything in them. All else is offered for download. */
const INERT_TYPE =
  /^(image\/(?!svg)[\w.+-]+|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain|text\/csv|application\/(json|pdf|octet-stream))\s*(;|$)/i;
const MEDIA_TYPE = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(\s*;[\x20-\x7e]{0,200})?$/;

/** 200 with all of it, 206 with one range, 304, or 416. Several ranges at once are answered with all of the file. */
export function answerFile(file: StoredFile, request: FileRequest): FileAnswer {
  const etag = `"${file.sha256Hex}"`;
  const headers = commonHeaders(etag);
  if (isMatch(request.ifNoneMatch, etag)) return { status: 304, headers, bytes: null };
  const described = { ...headers, ...typeHeaders(file.contentType), digest: digestOf(file.sha256Hex) };
  const isRangeMeant = request.ifRange === undefined || request.ifRange === etag;
  const range = isRangeMeant ? parseRange(request.range, file.size) : null;
  if (range === "unsatisfiable") {
    return {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${file.size}`, "content-length": "0" },
      bytes: null,
    };
  }
  if (range === null) {
    const bytes = file.size === 0 ? null : { start: 0, end: file.size - 1 };
    return { status: 200, headers: { ...described, "content-length": String(file.size) }, bytes };
  }
  const contentRange = `bytes ${range.start}-${range.end}/${file.size}`;
  const length = String(range.end - range.start + 1);
  return {
    status: 206,
    headers: { ...described, "content-range": contentRange, "content-length": length },
    bytes: range,
  };
}

function commonHeaders(etag: string): Readonly<Record<string, string>> {
  return {
    etag,
    "accept-ranges": "bytes",
    // The bytes behind an id never change; but the file may be deleted, so shared caches keep out.
    "cache-control": "private, max-age=2592000, immutable",
    "x-content-type-options": "nosniff",
  };
}

/** A file is what its uploader says it is. Without the last two headers, an uploaded page would run as one of ours. */
function typeHeaders(stored: string | null): Readonly<Record<string, string>> {
  const type = stored !== null && MEDIA_TYPE.test(stored) ? stored : "application/octet-stream";
  if (INERT_TYPE.test(type)) return { "content-type": type };
  return {
    "content-type": type,
    "content-disposition": "attachment",
    "content-security-policy": "default-src 'none'; sandbox",
  };
}

/** RFC 3230, as the documentation of `storage.getUrl` promises it. */
function digestOf(sha256Hex: string): string {
  return `sha-256=${Buffer.from(sha256Hex, "hex").toString("base64")}`;
}

function isMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag);
}

/** One range of `bytes`; null when there is none that counts, so that all is sent (RFC 9110 §14.2). */
export function parseRange(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | "unsatisfiable" | null {
  const [isRange, first = "", last = ""] = /^bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})$/i.exec(header ?? "") ?? [];
  if (isRange === undefined || (first === "" && last === "")) return null;
  if (first === "") {
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? "unsatisfiable" : { start: size - suffix, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return null;
  return start >= size ? "unsatisfiable" : { start, end };
}
