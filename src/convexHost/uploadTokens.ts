// Upload tokens: each lets its holder store one file, once, within an hour (embedded-convex §3.7).
import { randomBytes } from "node:crypto";

const TOKEN_LIFE_MS = 3_600_000;
/** Of tokens that nobody used yet: more than 1,000 functions may ask for within one of their transactions. */
const TOKENS_MAX = 10_000;

export interface UploadTokens {
  /** For a file that will belong to `component` ("" for the app). @throws Error when too many are open */
  issue(component: string): string;
  /** Uses the token up. False: unknown, used before, or too old. */
  take(token: string): boolean;
}

/** They live in memory only: after a restart a client asks for a new one. `clock` gives epoch ms. */
export function createUploadTokens(clock: () => number): UploadTokens {
  const expiryByToken = new Map<string, number>();

  // In the order issued, so the oldest come first.
  const forgetExpired = () => {
    for (const [token, expiresAtMs] of expiryByToken) {
      if (clock() < expiresAtMs) break;
      expiryByToken.delete(token);
    }
  };

  return {
    issue(component) {
      forgetExpired();
      if (expiryByToken.size >= TOKENS_MAX) {
        throw new Error(`Too many upload URLs are open: at most ${TOKENS_MAX} that nobody used within the last hour`);
      }
      const secret = randomBytes(32).toString("base64url");
      const token = component === "" ? secret : `${secret}.${Buffer.from(component).toString("base64url")}`;
      expiryByToken.set(token, clock() + TOKEN_LIFE_MS);
      return token;
    },
    take(token) {
      const expiresAtMs = expiryByToken.get(token);
      expiryByToken.delete(token);
      return expiresAtMs !== undefined && clock() < expiresAtMs;
    },
  };
}

/** The component that a token was issued for; true only of a token that `take` accepted. */
export function componentOfToken(token: string): string {
  const dot = token.indexOf(".");
  return dot < 0 ? "" : Buffer.from(token.slice(dot + 1), "base64url").toString();
}
