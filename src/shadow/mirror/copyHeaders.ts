// What a copy carries (shadow S5, I11, W4): the end-to-end headers as they were served, the same request id and idempotency key, and
// the mark that only copies bear.
import { HOP_BY_HOP } from "../../kernel/index.ts";

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

export interface CopyHeaders {
  /** As the served leg carried them, names in lower case. */
  readonly served: HeaderPairs;
  /** Replaces the caller's credential; null: none of the caller's goes to a target, to a serving instance they all do. */
  readonly bearer: string | null;
  /** `shadow` bears the mark, a repeat at a serving instance does not. */
  readonly role: "shadow" | "repeat";
  /** The copy goes to a shadow target, which refuses whatever lacks the mark (contract G15). */
  readonly isTarget: boolean;
  /** Of the other names that this route's copies may carry. */
  readonly mayCarryCookies: boolean;
}

/** Written anew by the client of the copy, or of no use there: it reads the whole reply and takes no coding it cannot undo. */
const DROPPED = new Set([...HOP_BY_HOP, "host", "content-length", "expect", "x-shadow", "accept-encoding"]);
/** Of the user, or of services: none of them is meant for a shadow target (shadow W4, contract differences.md §11). */
const CREDENTIALS = new Set(["authorization", "x-refresh-token", "x-service-token", "x-api-key"]);
const CODINGS = "gzip, br, deflate";

/** In the order of the served leg. */
export function copyHeaders({ served, bearer, role, isTarget, mayCarryCookies }: CopyHeaders): HeaderPairs {
  const kept = served.filter(([name]) => {
    if (DROPPED.has(name) || name.startsWith("switchyard-")) return false;
    if (name === "cookie") return mayCarryCookies;
    return (bearer === null && !isTarget) || !CREDENTIALS.has(name);
  });
  const marks: (readonly [string, string])[] = [["accept-encoding", CODINGS]];
  if (bearer !== null) marks.push(["authorization", `Bearer ${bearer}`]);
  // That there was a credential, and that it was no good, stays visible.
  else if (isTarget && served.some(([name]) => name === "authorization"))
    marks.push(["authorization", "Bearer refused"]);
  if (role === "shadow" || isTarget) marks.push(["x-shadow", "1"]);
  if (role === "repeat") marks.push(["switchyard-role", "repeat"]);
  return [...kept, ...marks];
}
