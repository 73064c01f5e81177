import { randomUUID } from "node:crypto";
import jwt from "jsonwebtoken";

export const JWT_SECRET = "a-secret-of-the-tests-with-at-least-32-bytes";

/** A valid access token (contract G7); `claims` replaces what a test wants different. */
export const tokenFor = (sub: string, claims: Readonly<Record<string, unknown>> = {}): string => {
  const nowS = Math.floor(Date.now() / 1_000);
  const whole = { sub, email: `${sub}@example.org`, iat: nowS, exp: nowS + 600, type: "access", jti: randomUUID() };
  return jwt.sign({ ...whole, ...claims }, JWT_SECRET, { algorithm: "HS256" });
};

export const bearer = (sub: string): string => `Authorization: Bearer ${tokenFor(sub)}`;
