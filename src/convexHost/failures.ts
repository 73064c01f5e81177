// What functions throw → what callers are told. Pure.
import { inspect, types } from "node:util";
import type { JSONValue } from "convex/values";
import { LIMITS } from "./limits.ts";
import type { FunctionFailure } from "./words.ts";

/** The host refuses a call for what the caller gave or the function returned: told as it is, without frames. */
export class RefusedCall extends Error {
  override readonly name = "RefusedCall";
}

/** A nested call failed: `data` (Convex JSON) is what `convex/server` makes a ConvexError of again. */
export class NestedFailure extends Error {
  override readonly name = "NestedFailure";
  readonly data?: JSONValue;
  constructor(told: ToldError) {
    super(told.text);
    if (told.data !== undefined) this.data = told.data;
  }
}

/** An error as text, without the request's id. */
export interface ToldError {
  readonly text: string;
  /** `ConvexError.data` as Convex JSON; absent for other errors. */
  readonly data?: JSONValue;
}

const MESSAGE_CHARS_MAX = 32_768;
const CONVEX_ERROR = Symbol.for("ConvexError");

/**
 * Tells what a function threw: "Uncaught Name: message" and its frames in the sources (`mapStack`); the data of a
 * ConvexError, which `convex/server` has made JSON text of (registration_impl.ts). Never throws.
 */
export function tellError(error: unknown, mapStack: (stack: string) => readonly string[]): ToldError {
  try {
    if (error instanceof RefusedCall) return { text: cut(error.message) };
    if (!isErrorLike(error)) return { text: cut(`Uncaught ${inspect(error, { depth: 2 })}`) };
    const data = dataOf(error);
    const name = data === undefined ? error.name : "ConvexError";
    const text = cut(`Uncaught ${name}: ${error.message}`);
    const frames = [text, ...mapStack(typeof error.stack === "string" ? error.stack : "")].join("\n");
    return data === undefined ? { text: frames } : { text: frames, data };
  } catch {
    // A getter or a proxy of the function's threw in turn.
    return { text: "Uncaught Error: (what the function threw cannot be read)" };
  }
}

interface ErrorLike {
  readonly name: string;
  readonly message: string;
  readonly stack?: unknown;
}

function isErrorLike(error: unknown): error is ErrorLike {
  if (types.isNativeError(error)) return true;
  return typeof error === "object" && error !== null && "message" in error && "name" in error && "stack" in error;
}

function dataOf(error: object): JSONValue | undefined {
  if (!(CONVEX_ERROR in error) || !("data" in error) || typeof error.data !== "string") return undefined;
  if (error.data.length > LIMITS.returnsBytes) return undefined;
  return JSON.parse(error.data) as JSONValue;
}

function cut(text: string): string {
  return text.length > MESSAGE_CHARS_MAX ? `${text.slice(0, MESSAGE_CHARS_MAX)}…` : text;
}

/** As the official clients expect it. */
export function failureOf(told: ToldError, requestId: string): FunctionFailure {
  const message = `[Request ID: ${requestId}] Server Error\n${told.text}`;
  return told.data === undefined ? { message } : { message, data: told.data };
}
