// What one arm did with one exchange, frozen (shadow §4). Comparing happens later, on two of them.
import type { Arm, Role } from "../kernel/index.ts";
import type { HeaderList } from "./headerList.ts";

export interface Reply {
  readonly status: number;
  /** Names in lower case; a name may come more than once. */
  readonly headers: HeaderList;
  /** Without transfer coding; a content coding is still on it. */
  readonly body: Uint8Array;
}

/** Why there is no reply. */
export const ERROR_CLASSES = ["refused", "reset", "timeout", "protocol", "aborted"] as const;
export type ErrorClass = (typeof ERROR_CLASSES)[number];

export interface Observation {
  readonly arm: Arm;
  readonly role: Role;
  readonly result: { readonly reply: Reply } | { readonly error: ErrorClass };
  /** The body was longer than the tap: only its beginning is here. */
  readonly isCut: boolean;
  readonly firstByteMs: number | null;
  readonly totalMs: number;
}
