// What a copy carries (shadow S5, I11, W4): the end-to-end headers as they were served, the same request id and idempotency key, and
// the mark that only copies bear.
import { HOP_BY_HOP } from "../../kernel/index.ts";
import type { HeaderList } from "../headerList.ts";

export interface CopyHeaders {
  /** As the served leg carried them. */
  readonly served: HeaderList;
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

/** In the order of the served leg, names in lower case. */
export function copyHeaders({ served, bearer, role, isTarget, mayCarryCookies }: CopyHeaders): string[] {
  const isOwn = bearer === null && !isTarget;
  const headers: string[] = [];
  let hasCredential = false;
  for (let at = 0; at + 1 < served.length; at += 2) {
    const name = (served[at] as string).toLowerCase();
    if (name === "authorization") hasCredential = true;
    if (DROPPED.has(name) || name.startsWith("switchyard-")) continue;
    const isCarried = name === "cookie" ? mayCarryCookies : isOwn || !CREDENTIALS.has(name);
    if (isCarried) headers.push(name, served[at + 1] as string);
  }
  headers.push("accept-encoding", CODINGS);
  if (bearer !== null) headers.push("authorization", `Bearer ${bearer}`);
  // That there was a credential, and that it was no good, stays visible.
  else if (isTarget && hasCredential) headers.push("authorization", "Bearer refused");
  if (role === "shadow" || isTarget) headers.push("x-shadow", "1");
  if (role === "repeat") headers.push("switchyard-role", "repeat");
  return headers;
}
