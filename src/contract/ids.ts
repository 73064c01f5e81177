// Public ids (contract G4): canonical UUID spelling and ids derived from their cause.
import { sha1 } from "./sha1.ts";

/** Namespace of every derived id (G4). */
export const ID_NAMESPACE = "94c98a9f-8b42-4c4f-8a54-25b0db4dbd3e";

/** Kinds an idempotency key may mint (G4). */
export const KEYED_KINDS = [
  "folder",
  "session",
  "document",
  "quiz",
  "submission",
  "chat_session",
  "chat_message",
  "conversation",
  "message",
  "image",
] as const;
export type KeyedKind = (typeof KEYED_KINDS)[number];

const HYPHENATED = "([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})";
const SPELLINGS = [
  new RegExp(`^${HYPHENATED}$`, "i"),
  /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i,
  new RegExp(`^\\{${HYPHENATED}\\}$`, "i"),
  new RegExp(`^urn:uuid:${HYPHENATED}$`, "i"),
];

/** The lower-case hyphenated form of one of the four accepted spellings, or null. Blanks are not trimmed (G4). */
export function canonicalUuid(text: string): string | null {
  if (text.length < 32 || text.length > 45) return null;
  for (const spelling of SPELLINGS) {
    const match = spelling.exec(text);
    if (match) return match.slice(1).join("-").toLowerCase();
  }
  return null;
}

/** Whether the text already is the form that leaves an arm (G4). */
export const isCanonicalUuid = (text: string): boolean => canonicalUuid(text) === text;

const utf8 = new TextEncoder();
const namespaceBytes = Uint8Array.from(ID_NAMESPACE.replaceAll("-", "").match(/../g) ?? [], (pair) =>
  Number.parseInt(pair, 16),
);

function hyphenate(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** UUIDv5 (RFC 9562 §5.5) of a name in the contract's namespace. */
function uuidV5(name: string): string {
  const nameBytes = utf8.encode(name);
  const input = new Uint8Array(namespaceBytes.length + nameBytes.length);
  input.set(namespaceBytes);
  input.set(nameBytes, namespaceBytes.length);
  const bytes = sha1(input).slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hyphenate(bytes);
}

/** Derived id: `did(kind, a, b, …)` = UUIDv5 of `kind:a:b:…` (G4). */
export const did = (kind: string, ...parts: readonly (string | number)[]): string => uuidV5([kind, ...parts].join(":"));

/** First 8 hex digits of the derived id (G4). */
export const did8 = (kind: string, ...parts: readonly (string | number)[]): string => did(kind, ...parts).slice(0, 8);

/** What a request with an idempotency key mints its ids from (G4). */
export interface KeyedRequest {
  readonly userId: string;
  /** Path of the contract with canonical ids, without query: `canonicalPath` of routes.ts. */
  readonly path: string;
  readonly key: string;
}

/** Id minted by a keyed request; `n` is the 0-based position among several (G4). */
export const kid = (kind: KeyedKind, request: KeyedRequest, n?: number): string =>
  did(kind, request.userId, request.path, request.key, ...(n === undefined ? [] : [n]));
