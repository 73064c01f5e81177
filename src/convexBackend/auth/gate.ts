// Who calls (contract G7): token, revocation, the account row of an unknown subject.
import { foldAscii } from "../../contract/index.ts";
import { api } from "../../../convex/_generated/api.js";
import type { Config } from "../config.ts";
import type { Faultable, Switchboard } from "../faults/switchboard.ts";
import { asUser, type Clock, type Store } from "../ports.ts";
import { bearerOf, type Caller, type Tokens } from "./tokens.ts";

export interface KeyedScope {
  readonly method: string;
  readonly path: string;
  readonly key: string;
  readonly fingerprint: string;
}

export interface Admission {
  readonly caller: Caller;
  /** Stored outcome of the same keyed request, if any. */
  readonly replay: { readonly status: number; readonly body: string | null } | null;
  /** The key was used for another request. */
  readonly isReused: boolean;
}

export interface Gate {
  /** The caller of a token's claims alone; no store access. */
  identify(token: string | null, at: Faultable): Promise<Caller | null>;
  /** Null when the token is revoked. Makes the account row of an unknown subject. */
  admit(caller: Caller, keyed: KeyedScope | null): Promise<Admission | null>;
  roleOf(email: string): string;
}

/** Token of a socket handshake: the header wins when present, else the last query `token`. */
export function handshakeToken(authorization: string | undefined, query: URLSearchParams): string | null {
  if (authorization !== undefined) return bearerOf(authorization);
  return query.getAll("token").at(-1) || null;
}

export interface GateDeps {
  readonly store: Store;
  readonly tokens: Tokens;
  readonly faults: Switchboard;
  readonly config: Config;
  readonly clock: Clock;
}

export function createGate({ store, tokens, faults, config, clock }: GateDeps): Gate {
  const roleOf = (email: string): string => (config.instructorEmails.has(foldAscii(email)) ? "instructor" : "student");
  return {
    roleOf,
    async identify(token, at) {
      if (token === null) return null;
      const ignoresExpiry = faults.fire("token-accept", at) !== null;
      const verified = await tokens.verify(token, { ignoresExpiry });
      if (!verified || verified.type !== "access" || faults.fire("token-reject", at)) return null;
      return verified;
    },
    async admit(caller, keyed) {
      const identity = asUser(caller.sub);
      const now = clock.now();
      const args = { jti: caller.jti, now, ...(keyed && { keyed }) };
      const { revoked, known, replay, isReused } = await store.query(api.accounts.admit, args, identity);
      if (revoked) return null;
      if (!known) {
        const email = foldAscii(caller.email);
        const name = caller.email.split("@")[0] || caller.email;
        await store.mutation(api.accounts.ensure, { email, name, role: roleOf(email), now }, identity);
      }
      return { caller, replay, isReused };
    },
  };
}
