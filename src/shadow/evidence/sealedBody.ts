// One redacted body, encrypted (shadow P2): AES-256-GCM, and it opens only at the place for which it was sealed.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { EvidenceError } from "./evidenceError.ts";
import type { BodyPlace } from "./model.ts";

/** Random, so that processes need not agree: safe for 2^32 bodies of one key (NIST SP 800-38D §8.3). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** @throws EvidenceError `key` */
export function checkKey(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_BYTES) throw new EvidenceError("key", { detail: `this one has ${key.length}` });
  return Uint8Array.from(key);
}

export type SealedAt = BodyPlace & { readonly atMs: number };

const boundTo = ({ campaign, family, process, place, atMs }: SealedAt): Buffer =>
  Buffer.from(JSON.stringify([campaign, family, process, place, atMs]));

/** Nonce, tag, ciphertext. */
export function seal(key: Uint8Array, at: SealedAt, body: unknown): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(at));
  const text = Buffer.concat([cipher.update(JSON.stringify(body), "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

/** @throws EvidenceError `unreadable`: nothing of it is given before all of it is proven */
export function unseal(key: Uint8Array, at: SealedAt, sealed: Uint8Array): unknown {
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(at));
    decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const text = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
    return JSON.parse(Buffer.concat([text, decipher.final()]).toString("utf8")) as unknown;
  } catch (error) {
    throw new EvidenceError("unreadable", { cause: error });
  }
}
