// Request bodies (contract G1, G5, G12): UTF-8 without BOM, strict JSON, lone surrogates replaced.
import type { IncomingMessage } from "node:http";
import { JSON_BODY_BYTES_MAX, replaceLoneSurrogatesDeep } from "../../contract/index.ts";
import { isTooDeep } from "../jsonDepth.ts";
import { HttpError, InvalidInputError } from "./errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * After a refusal this much more is read. The connection stays open meanwhile: closing it with a body still on its way
 * would reset it, and whoever sends, a proxy for one, would see the reset instead of the answer (RFC 9112 §9.6).
 */
const DRAIN_BYTES_MAX = 32 * JSON_BODY_BYTES_MAX;

function drain(request: IncomingMessage): void {
  let rest = DRAIN_BYTES_MAX;
  request.on("data", (chunk: Buffer) => {
    rest -= chunk.length;
    if (rest < 0) request.destroy();
  });
  request.resume();
}

const tooLarge = (request: IncomingMessage, bytesMax: number): HttpError => {
  drain(request);
  const message = `The body is larger than ${bytesMax} bytes.`;
  return new HttpError(413, "PAYLOAD_TOO_LARGE", message);
};

/** The body's bytes; throws 413 as soon as it is known to be too large. */
export async function readBytes(request: IncomingMessage, bytesMax = JSON_BODY_BYTES_MAX): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw tooLarge(request, bytesMax);
  if (request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined) {
    return Buffer.alloc(0);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= bytesMax) return void chunks.push(chunk);
      request.off("data", onData);
      reject(tooLarge(request, bytesMax));
    };
    request.on("data", onData);
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => reject(new HttpError(400, null, "The request was broken off.")));
  });
}

export type ParsedBody =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "invalid"; readonly error: InvalidInputError };

const invalid = (offset: number, msg: string): ParsedBody => ({
  kind: "invalid",
  error: new InvalidInputError([
    { type: "json_invalid", loc: ["body", offset], msg: "The body is not valid JSON.", input: {}, ctx: { error: msg } },
  ]),
});

/** `JSON.parse` keeps the last of duplicate keys and refuses NaN and a BOM, as G1 asks. */
export function parseJson(bytes: Buffer): ParsedBody {
  if (bytes.length === 0) return { kind: "none" };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return invalid(0, "not UTF-8");
  }
  if (isTooDeep(text)) return invalid(0, "nested too deeply");
  try {
    return { kind: "json", value: replaceLoneSurrogatesDeep(JSON.parse(text)) };
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    return invalid(Number(position ?? text.length), "not JSON");
  }
}
