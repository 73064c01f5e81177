import { createHmac, randomBytes, randomUUID } from "node:crypto";

export const newRequestId = (): string => randomUUID();

export const newIdempotencyKey = (): string => randomUUID();

/** Request ids and keys from outside: 1–128 visible ASCII characters (contract G10, G11). */
export const isVisibleAscii = (text: string): boolean => /^[\x21-\x7e]{1,128}$/.test(text);

/**
 * Hash under which a subject appears in logs (security D2): keyed per installation, so ids cannot be guessed back,
 * 16 hex digits, so lines stay short.
 */
export function createSubjectHash(key: Uint8Array = randomBytes(32)): (subject: string) => string {
  return (subject) => createHmac("sha256", key).update(subject).digest("hex").slice(0, 16);
}
