import { createHash, randomUUID } from "node:crypto";

/** Namespace of every derived id, contract G4. */
const NAMESPACE = "94c98a9f-8b42-4c4f-8a54-25b0db4dbd3e";

export const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `did(kind, a, b, …)` of contract G4: the UUIDv5 (RFC 9562 §5.5) of `kind:a:b:…`. */
export function derivedId(...parts: (string | number)[]): string {
  const hash = createHash("sha1")
    .update(Buffer.from(NAMESPACE.replaceAll("-", ""), "hex"))
    .update(parts.join(":"), "utf8")
    .digest()
    .subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** `did8` of contract G4. */
export function derivedId8(...parts: (string | number)[]): string {
  return derivedId(...parts).slice(0, 8);
}

/** `kid(kind[, n])` of contract G4: the id a keyed request mints. */
export function keyedId(kind: string, userId: string, path: string, key: string, position?: number): string {
  return position === undefined ? derivedId(kind, userId, path, key) : derivedId(kind, userId, path, key, position);
}

/** The spellings of a UUID path parameter that contract G4 accepts, in mixed case. */
export function spellings(id: string): string[] {
  const bare = id.replaceAll("-", "");
  return [
    id.toUpperCase(),
    bare,
    bare.toUpperCase(),
    `{${id}}`,
    `{${id.toUpperCase()}}`,
    `urn:uuid:${id}`,
    `URN:UUID:${id.toUpperCase()}`,
  ];
}

/** A word that occurs nowhere else, to find the traces of one test in a shared recording. */
export function nonce(): string {
  return `n${randomUUID().replaceAll("-", "").slice(0, 16)}`;
}
