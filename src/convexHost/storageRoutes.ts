// Files over HTTP: `POST /api/storage/upload?token=` and `GET /api/storage/{id}` (embedded-convex §3.7, §3.9).
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { answerFile } from "./fileHeaders.ts";
import { jsonReply, limitedBody, type Reply } from "./httpReply.ts";
import type { FileShelf } from "./ports.ts";
import { componentOfToken } from "./uploadTokens.ts";
import { TransportError } from "./words.ts";

const FOLDER = "/api/storage/";
const UPLOAD = `${FOLDER}upload`;

/** A shelf that keeps the files of components apart (diskFiles.ts). */
export interface UploadShelf extends FileShelf {
  store(bytes: AsyncIterable<Uint8Array>, contentType: string | null, component?: string): Promise<string>;
}

export function isUploadPath(path: string): boolean {
  return path === UPLOAD;
}

/** The id in the path of a download; null for other paths. */
export function fileIdOf(path: string): string | null {
  return path.startsWith(FOLDER) && path !== UPLOAD ? path.slice(FOLDER.length) : null;
}

/** Streams the body to the shelf. @throws TransportError 401 without a token that is still good, 413 when too large */
export async function uploadFile(
  request: IncomingMessage,
  url: URL,
  files: UploadShelf,
  uploadBytesMax: number,
): Promise<Reply> {
  if (request.method !== "POST") throw new TransportError(405, "MethodNotAllowed", `${UPLOAD}: expected POST`);
  const token = url.searchParams.get("token") ?? "";
  if (Number(request.headers["content-length"] ?? 0) > uploadBytesMax) {
    throw new TransportError(413, "RequestTooLarge", `A file has at most ${uploadBytesMax} bytes`);
  }
  if (!files.takeUploadToken(token)) {
    throw new TransportError(401, "InvalidUploadToken", "An upload URL is good once, for an hour; ask for a new one");
  }
  const type = request.headers["content-type"] ?? null;
  const storageId = await files.store(limitedBody(request, uploadBytesMax), type, componentOfToken(token));
  return jsonReply(200, JSON.stringify({ storageId }));
}

/** Streams the file, or the range of it that was asked for. @throws TransportError 404 */
export async function downloadFile(
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  files: FileShelf,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    throw new TransportError(405, "MethodNotAllowed", `${FOLDER}{id}: expected GET or HEAD`);
  }
  const notFound = new TransportError(404, "FileNotFound", "There is no such file");
  const file = await files.find(id);
  if (file === null) throw notFound;
  // Opened before the head is sent: the file may have been deleted since its row was read.
  const handle = await open(file.path, "r").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? notFound : error;
  });
  try {
    const { size } = await handle.stat();
    if (size !== file.size) throw new Error(`${file.path}: expected ${file.size} bytes, as its row says, got ${size}`);
    const { range, "if-range": ifRange, "if-none-match": ifNoneMatch } = request.headers;
    const answer = answerFile(file, { range, ifRange: textOf(ifRange), ifNoneMatch });
    response.writeHead(answer.status, answer.headers);
    if (answer.bytes === null || request.method === "HEAD") response.end();
    else await pipeline(createReadStream("", { fd: handle, ...answer.bytes, autoClose: false }), response);
  } finally {
    await handle.close();
  }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(", ") : header;
}
