import { createHash, timingSafeEqual } from "node:crypto";
import { AdminError } from "./errors.ts";

export type Need = "none" | "view" | "operate";
/** What a caller may do: `open` reads without a token on loopback. */
export type Grant = "open" | "view" | "operate";

export interface TokenSet {
  readonly view: string | null;
  readonly operate: string | null;
  /** The operate token was made by us at start, nobody configured any: reading on loopback is open (ux.md §5). */
  readonly isGenerated: boolean;
}

export const TOKEN_BYTES_MIN = 32;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

export interface TokenCheck {
  /**
   * Grants or throws `AdminError`. `onWrong` is called for each token that is not ours, so that guessing is limited
   * (security A3); a missing token is no guess.
   */
  authorise(authorization: string | undefined, need: Need, onWrong: () => void): Grant;
}

export function createTokenCheck(tokens: TokenSet): TokenCheck {
  // Equal-length digests: neither the length nor a common prefix of the real token shows in the time taken.
  const view = tokens.view === null ? null : digest(tokens.view);
  const operate = tokens.operate === null ? null : digest(tokens.operate);
  const where = tokens.isGenerated
    ? "the file operate.token in the state folder"
    : "admin.operateTokenEnv in the configuration";
  const matches = (given: string): Grant | null => {
    const hash = digest(given);
    const isOperate = operate !== null && timingSafeEqual(hash, operate);
    const isView = view !== null && timingSafeEqual(hash, view);
    return isOperate ? "operate" : isView ? "view" : null;
  };
  return {
    authorise(authorization, need, onWrong) {
      const given = bearer(authorization);
      const grant: Grant | null = given === null ? (tokens.isGenerated ? "open" : null) : matches(given);
      if (given !== null && grant === null) {
        onWrong();
        if (need === "none") return "open";
        throw new AdminError(
          "ADMIN_TOKEN_WRONG",
          "The token is not one of this listener.",
          `Take the operate token from ${where}.`,
          { "www-authenticate": "Bearer" },
        );
      }
      if (need === "none") return grant ?? "open";
      if (need === "view" && grant !== null) return grant;
      if (grant === "operate") return grant;
      throw refusal(tokens, grant, need, where);
    },
  };
}

function bearer(authorization: string | undefined): string | null {
  if (authorization === undefined) return null;
  return /^bearer +(\S+)$/i.exec(authorization.trim())?.[1] ?? "";
}

function refusal(tokens: TokenSet, grant: Grant | null, need: Need, where: string): AdminError {
  if (need === "operate" && tokens.operate === null) {
    return new AdminError(
      "ADMIN_READ_ONLY",
      "No operate token is configured, so nothing can be changed here.",
      "Set admin.operateTokenEnv in the configuration and start again.",
    );
  }
  if (grant === "view") {
    return new AdminError(
      "ADMIN_VIEW_ONLY",
      "The view token cannot change anything.",
      `Use the operate token: ${where}.`,
    );
  }
  return new AdminError(
    "ADMIN_TOKEN_MISSING",
    need === "operate" ? "Changes need the operate token." : "Reading here needs a token.",
    `Send "Authorization: Bearer <token>"; the command line takes SWITCHYARD_TOKEN. The operate token: ${where}.`,
    { "www-authenticate": "Bearer" },
  );
}
