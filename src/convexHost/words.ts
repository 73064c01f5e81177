// The words that the files of this room share: plain data, no behaviour.
import type { JSONValue, Value } from "convex/values";

export type FunctionKind = "query" | "mutation" | "action";

/** A document with its system fields; a field that is missing reads as `undefined`. */
export type StoredDocument = { readonly [field: string]: Value | undefined } & {
  readonly _id: string;
  readonly _creationTime: number;
};

/** A function: the path of the component that holds it ("" for the app, "a/b" nested) and `module:name` inside it. */
export interface FunctionAddress {
  readonly component: string;
  readonly path: string;
}

/** What `ctx.auth.getUserIdentity()` gives, as JSON. */
export type Identity = { readonly tokenIdentifier: string } & { readonly [claim: string]: JSONValue };

/** Who calls from outside. */
export interface Caller {
  readonly identity: Identity | null;
  /** Holds the admin key: may call internal functions, and act as a user. */
  readonly isAdmin: boolean;
  /** When the token behind the identity ends, epoch ms; null without one. */
  readonly expiresAtMs: number | null;
}

export const NOBODY: Caller = { identity: null, isAdmin: false, expiresAtMs: null };

/** Keys `from <= key < to` of one index. Index 0 is the pseudo index of document ids: key = the id's bytes. */
export interface KeyInterval {
  readonly index: number;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** A key that a commit wrote, removed or rewrote. */
export interface TouchedKey {
  readonly index: number;
  readonly key: Uint8Array;
}

/** A function failed: its own throw, a refused argument, a limit. What the client is told. */
export interface FunctionFailure {
  /** As the official clients expect it: "[Request ID: …] Server Error\nUncaught …". */
  readonly message: string;
  /** `ConvexError.data` as Convex JSON; absent for other errors. */
  readonly data?: JSONValue;
}

/** How a call from outside ended; told only after the COMMIT that made what it saw durable (§3.2). */
export interface Outcome {
  /** The value as Convex JSON text, or the failure. */
  readonly result: { readonly valueJson: string } | { readonly failure: FunctionFailure };
  /** The newest commit that the call saw or made, ns. */
  readonly ts: bigint;
  readonly logLines: readonly string[];
  /** What a query read; empty for mutations and actions. */
  readonly reads: readonly KeyInterval[];
  /** Whether it asked who calls: then its answer belongs to that caller alone. */
  readonly hasReadIdentity: boolean;
  /** Where the query's page ended; null without a page. */
  readonly journal: string | null;
}

/** A refusal of the transport, before any function ran (§3.9): 4xx `{code, message}`. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
