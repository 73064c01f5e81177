// What the service needs from outside, by role.
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";

/** Who calls a function: a user acts on own data only, the service on what belongs to nobody yet (accounts). */
export type Identity = { readonly role: "user"; readonly subject: string } | { readonly role: "service" };

export const asUser = (subject: string): Identity => ({ role: "user", subject });
export const AS_SERVICE: Identity = { role: "service" };

/**
 * State and rules, reached by function reference only. Calls made at the same time may overtake each other: who needs an
 * order awaits. A mutation that failed with {@link StoreUnavailableError} may have happened all the same.
 */
export interface Store {
  query<F extends FunctionReference<"query">>(
    reference: F,
    args: FunctionArgs<F>,
    identity: Identity,
  ): Promise<FunctionReturnType<F>>;
  mutation<F extends FunctionReference<"mutation">>(
    reference: F,
    args: FunctionArgs<F>,
    identity: Identity,
  ): Promise<FunctionReturnType<F>>;
  /** Rejects when the store cannot answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The store cannot be reached: 503 `STORE_UNAVAILABLE` (contract rest.md §1). */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

/** A function refused with a code of its closed list. */
export class StoreRefusal extends Error {
  override readonly name = "StoreRefusal";
  readonly code: string;
  readonly data: unknown;
  constructor(code: string, data: unknown) {
    super(`the store refused: ${code}`);
    this.code = code;
    this.data = data;
  }
}

/** Times to store and to send. Timers and token checks keep the true clock. */
export interface Clock {
  now(): number;
}
