import type { RequestHead } from "./requestHead.ts";

/** What goes to the arm beside the client's own headers; flat name/value lists, changed in place. */
export interface OwnHeaders {
  readonly head: RequestHead;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly viaName: string;
  readonly idempotencyKey: string | null;
}

/** Added after the stripping, so that nothing of the client's can stand in for them (security H2, H4, H5). */
export function addOwnHeaders(forward: string[], own: OwnHeaders): void {
  const { head } = own;
  forward.push("x-request-id", own.requestId, "x-forwarded-for", own.clientAddress);
  forward.push("x-forwarded-proto", "http", "x-forwarded-host", head.host);
  forward.push("via", head.via === null ? own.viaName : `${head.via}, ${own.viaName}`);
  if (own.idempotencyKey !== null) forward.push("idempotency-key", own.idempotencyKey);
  if (head.contentLength !== null && head.hasBody) forward.push("content-length", String(head.contentLength));
}

/**
 * A token that we refused gives nobody anything behind us either: an arm with some leeway would serve it, on control,
 * whatever its subject's arm is (contract G7: 0 s here, 5 s there). That there was one stays visible, so that the arm's
 * own 401 says the same as without a proxy.
 */
export function disarmToken(forward: string[]): void {
  for (let i = 0; i < forward.length; i += 2) {
    if ((forward[i] as string).toLowerCase() === "authorization") forward[i + 1] = "Bearer refused";
  }
}

/** The trace id of `traceparent` (W3C Trace Context §3.2), which passes on untouched. */
export function traceIdOf(head: RequestHead | null): string | null {
  if (!head) return null;
  for (let i = 0; i < head.forward.length; i += 2) {
    const name = head.forward[i] as string;
    if (name.length === 11 && name.toLowerCase() === "traceparent") return head.forward[i + 1]?.split("-")[1] ?? null;
  }
  return null;
}
