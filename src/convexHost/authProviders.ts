// The providers of `convex/auth.config.ts`, checked once at start (embedded-convex §3.7).
import { isLoopbackName } from "./hostNames.ts";

export const TOKEN_ALGORITHMS = ["RS256", "ES256"] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

export interface OidcProvider {
  readonly type?: undefined;
  readonly domain: string;
  readonly applicationID: string;
}

export interface CustomJwtProvider {
  readonly type: "customJwt";
  readonly issuer: string;
  /** `https:`, `http:` of this machine, or a `data:` key set. */
  readonly jwks: string;
  readonly algorithm: TokenAlgorithm;
  /** Without it the audience of a token is not looked at. */
  readonly applicationID?: string;
}

export type AuthProvider = OidcProvider | CustomJwtProvider;

const PROVIDERS_MAX = 50;

/**
 * The default export of `convex/auth.config.ts`, or undefined when there is none.
 * @throws Error naming the field and what was expected: an unset variable must not become a provider that lets nobody in
 */
export function parseAuthConfig(config: unknown): readonly AuthProvider[] {
  if (config === undefined || config === null) return [];
  const providers = isRecord(config) ? config["providers"] : undefined;
  if (!Array.isArray(providers) || providers.length > PROVIDERS_MAX) {
    throw new Error(`auth.config: expected { providers: [...] } with at most ${PROVIDERS_MAX} entries`);
  }
  return providers.map((provider: unknown, index) => parseProvider(provider, `auth.config: providers[${index}]`));
}

function parseProvider(provider: unknown, where: string): AuthProvider {
  if (!isRecord(provider)) throw new Error(`${where}: expected an object`);
  if (provider["type"] === undefined) {
    const domain = text(provider["domain"], `${where}.domain`);
    checkKeyUrl(issuerUrl(domain), `${where}.domain`);
    return { domain, applicationID: text(provider["applicationID"], `${where}.applicationID`) };
  }
  if (provider["type"] !== "customJwt") throw new Error(`${where}.type: expected "customJwt" or no type`);
  const algorithm = TOKEN_ALGORITHMS.find((known) => known === provider["algorithm"]);
  if (algorithm === undefined) throw new Error(`${where}.algorithm: expected ${TOKEN_ALGORITHMS.join(" or ")}`);
  const jwks = text(provider["jwks"], `${where}.jwks`);
  if (!jwks.startsWith("data:")) checkKeyUrl(jwks, `${where}.jwks`);
  const issuer = text(provider["issuer"], `${where}.issuer`);
  if (provider["applicationID"] === undefined) return { type: "customJwt", issuer, jwks, algorithm };
  const applicationID = text(provider["applicationID"], `${where}.applicationID`);
  return { type: "customJwt", issuer, jwks, algorithm, applicationID };
}

/**
 * An OIDC issuer as a URL without the slash behind it: providers write themselves with and without scheme and slash,
 * and mean the same party.
 */
export function issuerUrl(issuer: string): string {
  const url = /^https?:\/\//.test(issuer) ? issuer : `https://${issuer}`;
  return url.replace(/\/$/, "");
}

/** Keys decide who is who, so they come over TLS or never leave this machine. @throws Error for other URLs */
export function checkKeyUrl(text: string, where: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopbackName(url.hostname))) return url;
  throw new Error(`${where}: expected an https URL (http only of this machine), got "${text.slice(0, 200)}"`);
}

/** A plain JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown, where: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new Error(
    `${where}: expected a text, got ${value === undefined ? "nothing (is its variable set?)" : typeof value}`,
  );
}
