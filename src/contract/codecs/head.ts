// Recognising frames by their first bytes: streamed parts are many and initial states are big, neither is parsed.

import { isObject, type JsonObject } from "../jsonObject.ts";

const HEAD_BYTES = 160;
// A byte order mark stays, so that a text with one is no JSON here either (G1).
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const utf8 = new TextEncoder();

export function startsWith(data: Uint8Array, prefix: Uint8Array): boolean {
  if (data.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i += 1) if (data[i] !== prefix[i]) return false;
  return true;
}

export const bytesOf = (text: string): Uint8Array => utf8.encode(text);

export const textOf = (data: Uint8Array): string => decoder.decode(data);

export const headOf = (data: Uint8Array): string => decoder.decode(data.subarray(0, HEAD_BYTES));

/** The object a text frame holds, or null when it holds none. */
export function parseObject(data: Uint8Array): JsonObject | null {
  try {
    const value: unknown = JSON.parse(textOf(data));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
