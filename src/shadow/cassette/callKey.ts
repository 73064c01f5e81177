// The key of a call: the application's canonical request, hashed (shadow K2).
import { hash } from "node:crypto";
import { isVisibleAscii } from "../../kernel/index.ts";
import type { ModelCall, ModelKey, ModelKeyOf, ModelParts } from "./ports.ts";

export interface CallKey {
  readonly kind: string;
  readonly form: string;
  /** SHA-256 hex of each text. */
  readonly hashes: readonly string[];
  /** UTF-8; kept only to be shown as a difference, in value classes. */
  readonly texts: readonly Uint8Array[];
  readonly parts: ModelParts | null;
}

export interface CallHead {
  readonly method: string;
  readonly path: string;
  readonly rawHeaders: readonly string[];
}

/** Not `Buffer.from`: a small piece of Node's shared pool would keep all of that piece's neighbours. */
const utf8 = new TextEncoder();
const OTHER = "other";
const KIND = /^[\w./:-]{1,64}$/;
/** Names under which providers take their keys. */
const CREDENTIALS = /^(?:authorization|proxy-authorization|cookie|api-key|x-api-key|x-goog-api-key)$/;

function headersOf(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase();
    if (!CREDENTIALS.test(name)) headers[name] ??= rawHeaders[at + 1] as string;
  }
  return headers;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

function asked(call: ModelCall, keyOf: ModelKeyOf): ModelKey | null {
  try {
    const key = keyOf(call);
    const isUsable = key !== null && key.texts.length > 0 && (key.parts !== null || key.texts.length === 1);
    return isUsable ? key : null;
  } catch {
    // A body that it cannot stand is one that it does not know: nested too deep, for one.
    return null;
  }
}

/** Of every call there is a key: one that the application does not know is replayed when it is the same byte by byte. */
export function callKeyOf(head: CallHead, body: Buffer, keyOf: ModelKeyOf): CallKey {
  const { method, path } = head;
  const key = asked({ method, path, headers: headersOf(head.rawHeaders), body: parsed(body) }, keyOf);
  const texts = (key?.texts ?? [JSON.stringify([method, path, hash("sha256", body, "hex")])]).map((text) =>
    utf8.encode(text),
  );
  return {
    kind: key !== null && KIND.test(key.kind) ? key.kind : OTHER,
    form: key?.form ?? "",
    hashes: texts.map((text) => hash("sha256", text, "hex")),
    texts,
    parts: key?.parts ?? null,
  };
}

/** Null: none, or none that can be one (contract G11). */
export function requestIdOf(headers: Readonly<Record<string, string | string[] | undefined>>): string | null {
  const id = headers["x-request-id"];
  return typeof id === "string" && isVisibleAscii(id) ? id : null;
}
