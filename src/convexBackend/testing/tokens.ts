// The deployment's side of a token: verified with the published key, by Node's own means.
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { createServiceTokens, type ServiceTokens } from "../serviceTokens.ts";
import { parseSigningKeys, type SigningKeys } from "../signingKey.ts";

export const privatePem = (): string =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();

export const ISSUER = "https://issuer.test";
export const AUDIENCE = "audience-of-the-test";

export function testTokens(now?: () => number): { keys: SigningKeys; tokens: ServiceTokens } {
  const keys = parseSigningKeys(privatePem() + privatePem());
  return { keys, tokens: createServiceTokens({ keys, issuer: ISSUER, audience: AUDIENCE, ...(now && { now }) }) };
}

const part = (text: string): Record<string, any> => JSON.parse(Buffer.from(text, "base64url").toString("utf8"));

/** Header and claims of a token whose signature one of the published keys made. */
export function opened(token: string, keys: SigningKeys): { header: any; claims: any } {
  const [head = "", payload = "", signature = ""] = token.split(".");
  const header = part(head);
  const jwk = keys.published.find((key) => key.kid === header["kid"]);
  assert.ok(jwk, "the token names a published key");
  const key = createPublicKey({ key: { ...jwk }, format: "jwk" });
  const signed = Buffer.from(`${head}.${payload}`);
  const bytes = Buffer.from(signature, "base64url");
  assert.ok(verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, bytes), "the signature holds");
  return { header, claims: part(payload) };
}
