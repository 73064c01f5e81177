// Page cursors: sealed, so that a client can neither read the index keys in them nor make one, and bound to their query.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

/** Where in the results of a query: before the first, behind the row at `key`, or behind the last. */
export type PagePosition =
  | { readonly at: "start" }
  | { readonly at: "after"; readonly key: Uint8Array }
  | { readonly at: "end" };

export interface CursorSeal {
  /** The same text for the same position of the same query: an unchanged page must compare equal. */
  seal(position: PagePosition, query: string): string;
  /** @throws InvalidCursor when it was not made by `seal` with this key and for this query */
  open(cursor: string, query: string): PagePosition;
}

/** The official clients look for this word in the message and begin again at the first page (react/use_paginated_query.ts). */
export class InvalidCursor extends Error {
  override readonly name = "InvalidCursor";
  constructor() {
    super("InvalidCursor: expected a cursor that this very query gave; start again at the first page");
  }
}

const KINDS = ["start", "after", "end"] as const;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const CURSOR_KEY_BYTES = 32;

export function makeCursorKey(): Uint8Array {
  return randomBytes(CURSOR_KEY_BYTES);
}

/** @param key 32 secret bytes, kept with the data: a cursor outlives a restart (embedded-convex §3.4) */
export function createCursorSeal(key: Uint8Array): CursorSeal {
  const encryptionKey = createHmac("sha256", key).update("cursor encryption").digest();
  const nonceKey = createHmac("sha256", key).update("cursor nonce").digest();
  return {
    seal(position, query) {
      const plain = Buffer.concat([
        Uint8Array.of(KINDS.indexOf(position.at)),
        position.at === "after" ? position.key : new Uint8Array(0),
      ]);
      // A nonce made of what it encrypts: never the same for different texts, and the cursor stays the same.
      const nonce = createHmac("sha256", nonceKey).update(`${query.length} ${query}`).update(plain).digest();
      const iv = nonce.subarray(0, IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", encryptionKey, iv).setAAD(Buffer.from(query));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
    },
    open(cursor, query) {
      const bytes = Buffer.from(cursor, "base64url");
      if (bytes.length <= IV_BYTES + TAG_BYTES) throw new InvalidCursor();
      const decipher = createDecipheriv("aes-256-gcm", encryptionKey, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(query)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      let plain: Buffer;
      try {
        plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
      } catch {
        throw new InvalidCursor();
      }
      const at = KINDS[plain[0] ?? KINDS.length];
      if (at === undefined) throw new InvalidCursor();
      return at === "after" ? { at, key: new Uint8Array(plain.subarray(1)) } : { at };
    },
  };
}
