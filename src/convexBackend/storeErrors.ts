// How a function's failure is told to the service: the one mapping, by code alone. Texts are redacted in production and
// may quote what a user wrote.
import { ConvexError } from "convex/values";
import { StoreRefusal, StoreUnavailableError } from "./ports.ts";

/** Every code that a function of `convex/` refuses the service with. */
export const REFUSAL_CODES: readonly string[] = ["FORBIDDEN", "DRY_RUN"];

function refusalOf(data: unknown): StoreRefusal {
  const code = typeof data === "object" && data !== null && "code" in data ? data.code : null;
  return new StoreRefusal(typeof code === "string" && REFUSAL_CODES.includes(code) ? code : "UNKNOWN", data);
}

/** A {@link StoreRefusal}, a {@link StoreUnavailableError}, or an error that only a programmer can mend. */
export function storeError(error: unknown): Error {
  if (error instanceof StoreUnavailableError) return error;
  if (error instanceof ConvexError) return refusalOf(error.data);
  // Not JSON at all: something else listens at the deployment's address.
  if (error instanceof SyntaxError) return new StoreUnavailableError("the answer is no JSON", { cause: error });
  return new Error("the call of a function failed", { cause: error });
}

/** What Convex wrote into its own log beside the failure, to find it there. */
export function storeRequestId(error: unknown): string | undefined {
  return error instanceof Error ? /^\[Request ID: (\w{1,64})\]/.exec(error.message)?.[1] : undefined;
}
