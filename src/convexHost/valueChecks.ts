// What goes into a function and comes out of it, against its validators and the limits (embedded-convex §3.2, §3.8).
import { getConvexSize, type JSONValue, type Value } from "convex/values";
import { RefusedCall } from "./failures.ts";
import { checkLimit, LIMITS } from "./limits.ts";
import type { RegisteredFunction } from "./registry.ts";
import { checkValue } from "./validate.ts";
import { isPlainObject } from "./valueForms.ts";
import { parseValue } from "./valueJson.ts";

export interface CheckOptions {
  /** Whether the commit timestamp's placeholder may be in it: between the functions of one transaction. */
  readonly allowsCommitTs: boolean;
  /** The table of an id of the function's component; null when it is none. */
  readonly tableOf: (id: string) => string | null;
}

/** No value of fewer characters of JSON is larger than 16 MiB: a number takes one, and 9 bytes. */
const RETURNS_UNCHECKED_CHARS = LIMITS.returnsBytes / 9;

/** @throws RefusedCall ArgumentValidationError; LimitError */
export function checkArgs(target: RegisteredFunction, args: JSONValue, options: CheckOptions): void {
  const value = readValue(args, options, "ArgumentValidationError");
  if (!isPlainObject(value)) throw new RefusedCall("ArgumentValidationError: the arguments must be one object");
  checkLimit("argsBytes", getConvexSize(value));
  const problem = checkValue(target.args, value, options.tableOf);
  if (problem !== null) throw new RefusedCall(`ArgumentValidationError: ${problem}`);
}

/** @throws RefusedCall ReturnsValidationError; LimitError */
export function checkReturns({ returns }: RegisteredFunction, valueJson: string, options: CheckOptions): void {
  const isPlain = valueJson.length <= RETURNS_UNCHECKED_CHARS && !valueJson.includes('"$commitTs"');
  if (returns === null && isPlain) return;
  const value = readValue(JSON.parse(valueJson) as JSONValue, options, "ReturnsValidationError");
  checkLimit("returnsBytes", getConvexSize(value));
  const problem = returns === null ? null : checkValue(returns, value, options.tableOf);
  if (problem !== null) throw new RefusedCall(`ReturnsValidationError: ${problem}`);
}

function readValue(json: JSONValue, { allowsCommitTs }: CheckOptions, refusal: string): Value {
  try {
    return parseValue(json, { allowsCommitTs });
  } catch (error) {
    throw new RefusedCall(`${refusal}: ${(error as Error).message}`);
  }
}
