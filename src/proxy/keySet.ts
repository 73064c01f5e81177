import { createPublicKey, type KeyObject } from "node:crypto";
import { request } from "undici";
import type { Clock } from "../kernel/index.ts";

const KEYS_MAX = 64;
const FRESH_MS = 600_000;
const STALE_MS = 3_600_000;
const REFETCH_MS = 30_000;
const TIMEOUT_MS = 2_000;
const BYTES_MAX = 256 * 1024;

export interface VerificationKey {
  readonly key: KeyObject;
  /** The key decides the algorithm, never the token (security J2). */
  readonly algorithm: "RS256" | "ES256";
}

/** Public keys of the issuer, from the one configured address (security J3). */
export interface KeySet {
  /** null: no such key, also after a fetch; at most one fetch per 30 s for unknown ids. */
  find(kid: string): Promise<VerificationKey | null>;
}

export function createKeySet(options: { url: string; algorithms: readonly string[]; clock: Clock }): KeySet {
  let keys: ReadonlyMap<string, VerificationKey> = new Map();
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;

  const refresh = async (): Promise<void> => {
    triedAtMs = options.clock.monotonic();
    try {
      keys = readKeys(await fetchText(options.url), options.algorithms);
      fetchedAtMs = options.clock.monotonic();
    } catch {
      // The last keys stay until they are an hour old; the caller sees "no such key" and the metric says so.
    }
  };
  const refreshOnce = (): Promise<void> => {
    running ??= refresh().finally(() => {
      running = null;
    });
    return running;
  };
  return {
    async find(kid) {
      const ageMs = () => options.clock.monotonic() - fetchedAtMs;
      const known = ageMs() <= STALE_MS ? keys.get(kid) : undefined;
      const mayFetch = options.clock.monotonic() - triedAtMs >= REFETCH_MS;
      if (known && ageMs() <= FRESH_MS) return known;
      if (mayFetch || running) await refreshOnce();
      return ageMs() <= STALE_MS ? (keys.get(kid) ?? null) : null;
    },
  };
}

async function fetchText(url: string): Promise<string> {
  // One bound for all of it: connecting, the head, and a body of which a byte comes now and then.
  const reply = await request(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (reply.statusCode !== 200) {
    await reply.body.dump();
    throw new Error(`the key set answered ${reply.statusCode}`);
  }
  let text = "";
  for await (const chunk of reply.body) {
    text += String(chunk);
    if (text.length > BYTES_MAX) throw new Error("the key set is too large");
  }
  return text;
}

function readKeys(text: string, algorithms: readonly string[]): ReadonlyMap<string, VerificationKey> {
  const parsed: unknown = JSON.parse(text);
  const list = isRecord(parsed) && Array.isArray(parsed["keys"]) ? parsed["keys"].slice(0, KEYS_MAX) : [];
  const keys = new Map<string, VerificationKey>();
  for (const jwk of list) {
    if (!isRecord(jwk) || typeof jwk["kid"] !== "string" || jwk["kid"].length > 128) continue;
    const algorithm = algorithmOf(jwk);
    if (!algorithm || !algorithms.includes(algorithm) || jwk["use"] === "enc") continue;
    try {
      const key = createPublicKey({ key: jwk, format: "jwk" });
      // RSA below 2,048 bits can be factored (security J6).
      if (algorithm === "RS256" && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048) continue;
      keys.set(jwk["kid"], { key, algorithm });
    } catch {
      // One unreadable key does not take the others with it.
    }
  }
  return keys;
}

function algorithmOf(jwk: Record<string, unknown>): "RS256" | "ES256" | null {
  const fits = jwk["kty"] === "RSA" ? "RS256" : jwk["kty"] === "EC" && jwk["crv"] === "P-256" ? "ES256" : null;
  // A key that names another algorithm is for that one only (RFC 7517 §4.4).
  return jwk["alg"] === undefined || jwk["alg"] === fits ? fits : null;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
