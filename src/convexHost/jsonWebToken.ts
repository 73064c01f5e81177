// JSON Web Tokens without keys: their form, their claims, and the identity they stand for (RFC 7515, RFC 7519). Pure.
import type { JSONValue } from "convex/values";
import { type AuthProvider, isRecord, issuerUrl, TOKEN_ALGORITHMS, type TokenAlgorithm } from "./authProviders.ts";
import { type Identity, TransportError } from "./words.ts";

/** Node's own limit for all headers of a request; a longer token comes over a socket and is none of ours. */
const TOKEN_LENGTH_MAX = 16_384;
/** How far clocks may differ (embedded-convex §3.7). */
const LEEWAY_MS = 5_000;
/** Nested claims below this stay as they are. */
const CLAIM_DEPTH_MAX = 8;

export interface TokenClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly expiresAtMs: number;
  readonly issuedAtMs: number;
  readonly notBeforeMs: number;
  readonly all: Readonly<Record<string, JSONValue>>;
}

/** A token whose signature nobody has looked at yet: nothing in it is true. */
export interface UnverifiedToken {
  readonly algorithm: TokenAlgorithm;
  readonly keyId: string;
  readonly claims: TokenClaims;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/**
 * Takes a token apart. Of its header only `alg`, `kid` and `crit` are read: `jku`, `x5u`, `x5c` and `jwk` would let the
 * sender choose the key. @throws TransportError 401 `InvalidAuthHeader`
 */
export function parseToken(token: string): UnverifiedToken {
  if (token.length > TOKEN_LENGTH_MAX) throw refusal(`at most ${TOKEN_LENGTH_MAX} characters expected`);
  const parts = token.split(".");
  const [header, payload, signature] = parts;
  const isCompact = parts.length === 3 && parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part));
  if (!isCompact || header === undefined || payload === undefined || signature === undefined) {
    throw refusal("a signed token of three base64url parts expected");
  }
  const { alg, kid, crit } = parsePart(header, "header");
  const algorithm = TOKEN_ALGORITHMS.find((known) => known === alg);
  if (algorithm === undefined) throw refusal(`header "alg": ${TOKEN_ALGORITHMS.join(" or ")} expected`);
  // RFC 7515 §4.1.11: extensions that must be understood, and none is.
  if (crit !== undefined) throw refusal('header "crit": no extension is understood here');
  return {
    algorithm,
    keyId: textClaim(kid, 'header "kid"'),
    claims: parseClaims(parsePart(payload, "payload")),
    signed: Buffer.from(`${header}.${payload}`),
    signature: Buffer.from(signature, "base64url"),
  };
}

function parsePart(part: string, name: string): Readonly<Record<string, JSONValue>> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, "base64url").toString());
  } catch {
    throw refusal(`${name}: JSON expected`);
  }
  if (!isRecord(value)) throw refusal(`${name}: a JSON object expected`);
  return value as Readonly<Record<string, JSONValue>>;
}

function parseClaims(all: Readonly<Record<string, JSONValue>>): TokenClaims {
  const audiences = Array.isArray(all["aud"]) ? all["aud"] : [all["aud"]];
  return {
    issuer: textClaim(all["iss"], "iss"),
    subject: textClaim(all["sub"], "sub"),
    audiences: audiences.filter((audience) => typeof audience === "string"),
    expiresAtMs: timeClaim(all["exp"], "exp"),
    issuedAtMs: timeClaim(all["iat"], "iat"),
    notBeforeMs: all["nbf"] === undefined ? Number.NEGATIVE_INFINITY : timeClaim(all["nbf"], "nbf"),
    all,
  };
}

function textClaim(value: JSONValue | undefined, name: string): string {
  if (typeof value !== "string" || value === "") throw refusal(`${name}: a text expected`);
  return value;
}

function timeClaim(value: JSONValue | undefined, name: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw refusal(`${name}: a number of seconds expected`);
  return value * 1_000;
}

/** Whether tokens with these claims are for this provider to judge: its issuer, and its application as audience. */
export function isFor(provider: AuthProvider, claims: TokenClaims): boolean {
  const isIssuer =
    provider.type === "customJwt"
      ? provider.issuer === claims.issuer
      : issuerUrl(provider.domain) === issuerUrl(claims.issuer);
  return isIssuer && (provider.applicationID === undefined || claims.audiences.includes(provider.applicationID));
}

/** Between `nbf` or `iat` and `exp`, with 5 s for clocks that differ. @throws TransportError 401 */
export function checkTimes(claims: TokenClaims, nowMs: number): void {
  if (nowMs >= claims.expiresAtMs + LEEWAY_MS) throw refusal("it has expired");
  if (nowMs < Math.max(claims.notBeforeMs, claims.issuedAtMs) - LEEWAY_MS) throw refusal("it is not valid yet");
}

/** Claims of OpenID Connect Core §5.1 and their names in `UserIdentity` of `convex/server`. */
const IDENTITY_NAMES: ReadonlyMap<string, string> = new Map([
  ["name", "name"],
  ["given_name", "givenName"],
  ["family_name", "familyName"],
  ["nickname", "nickname"],
  ["preferred_username", "preferredUsername"],
  ["profile", "profileUrl"],
  ["picture", "pictureUrl"],
  ["email", "email"],
  ["email_verified", "emailVerified"],
  ["gender", "gender"],
  ["birthdate", "birthday"],
  ["zoneinfo", "timezone"],
  ["locale", "language"],
  ["phone_number", "phoneNumber"],
  ["phone_number_verified", "phoneNumberVerified"],
  ["address", "address"],
  ["updated_at", "updatedAt"],
]);
const TRANSPORT_CLAIMS: ReadonlySet<string> = new Set(["iss", "sub", "aud", "exp", "iat", "nbf"]);
/** Names that only the host gives: a claim called so must not pass for them. */
const HOST_NAMES: ReadonlySet<string> = new Set([
  ...IDENTITY_NAMES.values(),
  "tokenIdentifier",
  "subject",
  "issuer",
  "__proto__",
]);

/**
 * What `ctx.auth.getUserIdentity()` gives for these claims. Nested custom claims of a `customJwt` provider appear under
 * dotted names (`properties.id`), as Convex documents it.
 */
export function identityOf(claims: TokenClaims, provider: AuthProvider): Identity {
  const fields: [string, JSONValue][] = [];
  for (const [claim, value] of Object.entries(claims.all)) {
    const name = IDENTITY_NAMES.get(claim);
    if (name !== undefined) fields.push([name, value]);
    else if (TRANSPORT_CLAIMS.has(claim) || HOST_NAMES.has(claim)) continue;
    else if (provider.type === "customJwt") fields.push(...flattened(claim, value, 1));
    else fields.push([claim, value]);
  }
  return {
    ...(Object.fromEntries(fields) as Record<string, JSONValue>),
    subject: claims.subject,
    issuer: claims.issuer,
    tokenIdentifier: tokenIdentifierOf(claims.issuer, claims.subject),
  };
}

/** Unique across issuers. */
export function tokenIdentifierOf(issuer: string, subject: string): string {
  return `${issuer}|${subject}`;
}

function flattened(path: string, value: JSONValue, depth: number): [string, JSONValue][] {
  if (!isRecord(value) || depth > CLAIM_DEPTH_MAX) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) => flattened(`${path}.${name}`, inner, depth + 1));
}

/** 401 `InvalidAuthHeader`: which part of the token is not as expected. */
export function refusal(reason: string): TransportError {
  return new TransportError(401, "InvalidAuthHeader", `Could not verify the token: ${reason}`);
}
