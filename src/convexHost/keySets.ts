// Where the public keys of a provider come from: its `data:` key set, its `jwks` URL, or OpenID Connect discovery.
import { createPublicKey, type KeyObject } from "node:crypto";
import {
  type AuthProvider,
  checkKeyUrl,
  isRecord,
  issuerUrl,
  TOKEN_ALGORITHMS,
  type TokenAlgorithm,
} from "./authProviders.ts";
import { TransportError } from "./words.ts";

/** One public key, and the one algorithm that it may verify. */
export interface SigningKey {
  readonly keyId: string;
  readonly algorithm: TokenAlgorithm;
  readonly key: KeyObject;
}

export interface KeySource {
  /** The keys called so; several only if their algorithms differ. @throws TransportError 503 when they cannot be had */
  find(keyId: string): Promise<readonly SigningKey[]>;
}

/** embedded-convex §3.7. */
const KEYS_KEPT_MS = 300_000;
/** An unknown `kid` may be a key of today's rotation, or a guess: it may cause one fetch in this time. */
const REFETCH_PAUSE_MS = 30_000;
/** After a failed fetch: a provider that is down is not asked again for each call. */
const FAILURE_PAUSE_MS = 5_000;
const FETCH_TIMEOUT_MS = 5_000;
const DOCUMENT_BYTES_MAX = 262_144;
const KEYS_MAX = 100;
const RSA_BITS_MIN = 2_048;

/** @throws Error when a `data:` key set cannot be read: that is known at start */
export function createKeySource(provider: AuthProvider, clock: () => number): KeySource {
  if (provider.type === "customJwt" && provider.jwks.startsWith("data:")) {
    const keys = parseKeySet(parseDataUrl(provider.jwks), "auth.config: data key set");
    return { find: (keyId) => Promise.resolve(keys.filter((key) => key.keyId === keyId)) };
  }
  return createFetchedKeys(provider, clock);
}

function createFetchedKeys(provider: AuthProvider, clock: () => number): KeySource {
  let keys: readonly SigningKey[] = [];
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let failure: { readonly error: TransportError; readonly atMs: number } | null = null;
  let flight: Promise<void> | null = null;

  const isWithin = (sinceMs: number, forMs: number) => clock() >= sinceMs && clock() < sinceMs + forMs;
  const refresh = async () => {
    try {
      keys = await fetchKeys(provider);
      fetchedAtMs = clock();
      failure = null;
    } catch (error) {
      const issuer = provider.type === "customJwt" ? provider.issuer : provider.domain;
      const reason = error instanceof Error ? error.message : String(error);
      const message = `Could not get the keys of provider "${issuer}": ${reason}`;
      failure = { error: new TransportError(503, "AuthProviderUnavailable", message), atMs: clock() };
      throw failure.error;
    }
  };
  const refreshOnce = () => {
    if (failure !== null && isWithin(failure.atMs, FAILURE_PAUSE_MS)) throw failure.error;
    flight ??= refresh().finally(() => {
      flight = null;
    });
    return flight;
  };

  return {
    async find(keyId) {
      if (!isWithin(fetchedAtMs, KEYS_KEPT_MS)) await refreshOnce();
      const found = keys.filter((key) => key.keyId === keyId);
      if (found.length > 0 || isWithin(fetchedAtMs, REFETCH_PAUSE_MS)) return found;
      await refreshOnce();
      return keys.filter((key) => key.keyId === keyId);
    },
  };
}

async function fetchKeys(provider: AuthProvider): Promise<readonly SigningKey[]> {
  if (provider.type === "customJwt") return parseKeySet(await fetchJson(new URL(provider.jwks)), "key set");
  // From the configured domain, never from the token: else a token could send us anywhere.
  const issuer = issuerUrl(provider.domain);
  const discovery = await fetchJson(checkKeyUrl(`${issuer}/.well-known/openid-configuration`, "discovery"));
  if (!isRecord(discovery)) throw new Error("discovery: expected a JSON object");
  const { issuer: told, jwks_uri: url, id_token_signing_alg_values_supported: offered } = discovery;
  // OpenID Connect Discovery §4.3.
  if (typeof told !== "string" || issuerUrl(told) !== issuer) throw new Error(`discovery: expected issuer "${issuer}"`);
  const keys = parseKeySet(await fetchJson(checkKeyUrl(String(url), "discovery: jwks_uri")), "key set");
  return Array.isArray(offered) ? keys.filter((key) => offered.includes(key.algorithm)) : keys;
}

async function fetchJson(url: URL): Promise<unknown> {
  const response = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    headers: { accept: "application/json" },
  });
  if (!response.ok) throw new Error(`${url.href}: status 200 expected, got ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > DOCUMENT_BYTES_MAX) throw new Error(`${url.href}: at most ${DOCUMENT_BYTES_MAX} bytes expected`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

/** RFC 2397; what a provider without a server of its own uses. */
function parseDataUrl(url: string): unknown {
  const comma = url.indexOf(",");
  if (comma < 0) throw new Error("auth.config: data key set: expected data:<type>[;base64],<JSON>");
  const isBase64 = /;\s*base64$/i.test(url.slice(0, comma));
  try {
    const data = decodeURIComponent(url.slice(comma + 1));
    return JSON.parse(isBase64 ? Buffer.from(data, "base64").toString() : data);
  } catch (cause) {
    throw new Error("auth.config: data key set: expected JSON", { cause });
  }
}

/** The keys of a JSON Web Key Set (RFC 7517 §5) that may verify tokens; others are left out. @throws Error without a set */
function parseKeySet(set: unknown, where: string): readonly SigningKey[] {
  const keys = isRecord(set) ? set["keys"] : undefined;
  if (!Array.isArray(keys) || keys.length > KEYS_MAX) {
    throw new Error(`${where}: expected { "keys": [...] } with at most ${KEYS_MAX} keys`);
  }
  return keys.flatMap((jwk: unknown) => parseKey(jwk) ?? []);
}

function parseKey(jwk: unknown): SigningKey | null {
  if (!isRecord(jwk) || typeof jwk["kid"] !== "string") return null;
  const { kid, kty, crv, use, alg } = jwk;
  // From the key's own kind, so that a public key can never serve as the secret of HS256.
  const algorithm = kty === "RSA" ? "RS256" : kty === "EC" && crv === "P-256" ? "ES256" : null;
  if (algorithm === null || !TOKEN_ALGORITHMS.includes(algorithm)) return null;
  if ((use !== undefined && use !== "sig") || (alg !== undefined && alg !== algorithm)) return null;
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const bits = key.asymmetricKeyDetails?.modulusLength;
    return bits !== undefined && bits < RSA_BITS_MIN ? null : { keyId: kid, algorithm, key };
  } catch {
    return null;
  }
}
