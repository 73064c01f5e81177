import { createHmac, randomBytes, randomUUID } from "node:crypto";

export interface Claims {
  [name: string]: unknown;
}

export interface User {
  readonly sub: string;
  readonly email: string;
  readonly token: string;
}

function segment(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Signs any claims with any header, also wrong ones: refusals are tested with it. */
export function signHs256(secret: string, claims: Claims, header: Claims = { alg: "HS256", typ: "JWT" }): string {
  const input = `${segment(header)}.${segment(claims)}`;
  const digest = header["alg"] === "HS512" ? "sha512" : "sha256";
  return `${input}.${createHmac(digest, secret).update(input).digest("base64url")}`;
}

/** The required claims of contract G7, valid for an hour. */
export function accessClaims(sub: string, email: string, overrides: Claims = {}): Claims {
  const now = Math.floor(Date.now() / 1000);
  const claims: Claims = {
    sub,
    email,
    iat: now,
    exp: now + 3600,
    type: "access",
    jti: randomBytes(16).toString("base64url"),
    ...overrides,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** Issues access tokens as contract G7 describes them; a claim overridden with undefined is left out. */
export function createIssuer(secret: string) {
  return {
    secret,
    token(sub: string, email: string, overrides: Claims = {}): string {
      return signHs256(secret, accessClaims(sub, email, overrides));
    },
    user(overrides: Claims = {}): User {
      const sub = randomUUID();
      const email = `${sub.slice(0, 8)}@example.test`;
      return { sub, email, token: this.token(sub, email, overrides) };
    },
  };
}

export type Issuer = ReturnType<typeof createIssuer>;

/** The claims inside a token, unverified. */
export function readClaims(token: string): Record<string, unknown> {
  const part = token.split(".")[1] ?? "";
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as Record<string, unknown>;
}
