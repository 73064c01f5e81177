// The service's tokens as embedded-convex.md §6 describes them, with a key of this run.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import jwt from "jsonwebtoken";

const ISSUER = "https://bench.invalid";
const AUDIENCE = "bench";
const BACKDATED_S = 5;
const LIFE_S = 120;
const RENEWED_MS = 60_000;

export interface BenchIdentity {
  /** What the deployment must be told (convex/auth.config.ts). */
  readonly variables: Readonly<Record<string, string>>;
  /** A user's token, good for a minute or more. */
  token(): string;
}

export function createIdentity(): BenchIdentity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const kid = randomUUID();
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" }];
  const keySet = Buffer.from(JSON.stringify({ keys })).toString("base64");
  const sub = randomUUID();
  let made = { token: "", atMs: Number.NEGATIVE_INFINITY };
  return {
    variables: {
      SWITCHYARD_ISSUER: ISSUER,
      SWITCHYARD_AUDIENCE: AUDIENCE,
      SWITCHYARD_JWKS: `data:text/plain;charset=utf-8;base64,${keySet}`,
    },
    token() {
      if (Date.now() - made.atMs < RENEWED_MS) return made.token;
      const iat = Math.floor(Date.now() / 1_000) - BACKDATED_S;
      const claims = { iss: ISSUER, aud: AUDIENCE, sub, role: "user", iat, exp: iat + LIFE_S };
      made = { token: jwt.sign(claims, privateKey, { algorithm: "ES256", keyid: kid }), atMs: Date.now() };
      return made.token;
    },
  };
}
