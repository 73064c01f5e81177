import { randomBytes } from "node:crypto";
import jwt from "jsonwebtoken";

export const SECRET = "secret-of-the-benchmark-that-is-long-enough";
export const SUBJECTS = 1_000;

/** Access tokens of as many subjects, as the contract describes them (README G7), valid for a day. */
export function createTokens(count = SUBJECTS): readonly string[] {
  const iat = Math.floor(Date.now() / 1_000);
  return Array.from({ length: count }, (_, at) => {
    const sub = `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`;
    const jti = randomBytes(16).toString("base64url");
    return jwt.sign({ sub, email: `${at}@example.test`, iat, exp: iat + 86_400, type: "access", jti }, SECRET);
  });
}
