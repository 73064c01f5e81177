// One REST call as handlers see it, and what they answer.
import type { IncomingMessage } from "node:http";
import type { FunctionArgs, FunctionReference } from "convex/server";
import type { PathParams, RouteSpec } from "../../contract/index.ts";
import type { Faultable } from "../faults/switchboard.ts";

export interface Reply {
  readonly status: number;
  /** JSON text, other text or bytes; absent with 204. */
  readonly body?: string | Uint8Array;
  /** In the place of a body: sent as it comes, with as much waiting as the reader makes wait. */
  readonly stream?: AsyncIterable<string>;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Value of the `Idempotency-Key` header: none, a legal one, or an illegal one (400). */
export type GivenKey =
  | { readonly kind: "none" }
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "illegal" };

export interface Call {
  readonly request: IncomingMessage;
  readonly requestId: string;
  readonly route: RouteSpec;
  /** Ids in canonical form. */
  readonly params: PathParams;
  readonly query: URLSearchParams;
  /** Parsed JSON body; undefined when there was none. */
  readonly body: unknown;
  readonly bytes: Buffer;
  /** Why there is no parsed body although bytes came; only on routes without a bearer. */
  readonly invalidBody?: Error;
  readonly key: GivenKey;
  /** The key was used for another request: 409 once the request itself is found valid (G9). */
  readonly isKeyReused: boolean;
  readonly at: Faultable;
}

export type WriteReference = FunctionReference<"mutation">;
export type WriteArgs<F extends WriteReference> = Omit<FunctionArgs<F>, "now" | "keyed" | "dryRun">;

export const json = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) });

export const param = (call: Call, name: string): string => {
  const value = call.params[name];
  if (value === undefined) throw new TypeError(`route ${call.route.id} has no parameter ${name}`);
  return value;
};
