// The shape of an operation of the syscall table, and how operations read what they are given.
import type { JSONValue } from "convex/values";
import type { Frame, FrameKind } from "./frames.ts";
import type { FunctionHost } from "./functionHost.ts";
import type { Transaction } from "./ports.ts";
import type { TransactionWork } from "./transactionWork.ts";

export type SyscallArgs = Readonly<Record<string, JSONValue | undefined>>;

export interface SyscallCall {
  readonly frame: Frame;
  readonly host: FunctionHost;
  /** Of "js" operations the values themselves, else JSON. */
  readonly args: SyscallArgs;
}

export type Handler = (call: SyscallCall) => unknown;

export interface Operation {
  /** Through which of the three calls of the global `Convex` it comes. */
  readonly through: "syscall" | "asyncSyscall" | "jsSyscall";
  readonly allowedIn: readonly FrameKind[];
  readonly handle: Handler;
}

/** An operation of the caller's transaction. */
export function inTransaction(
  body: (call: SyscallCall, transaction: Transaction, work: TransactionWork) => unknown,
): Handler {
  return (call) => {
    const { work, transaction, address } = call.frame;
    if (work === null || transaction === null) throw new Error(`${address.path} has no transaction`);
    return body(call, transaction, work);
  };
}

/** An operation of the caller's transaction, or of one of its own when an action calls it. */
export function inAnyTransaction(
  isWritable: boolean,
  body: (call: SyscallCall, transaction: Transaction, work: TransactionWork) => unknown,
): Handler {
  return (call) => {
    const { work, transaction } = call.frame;
    if (work !== null && transaction !== null) return body(call, transaction, work);
    return call.host.transact(isWritable, (own, ownWork) => body(call, own, ownWork));
  };
}

/** @throws Error saying what was expected */
export function textOf(args: SyscallArgs, name: string): string {
  const value = args[name];
  if (typeof value !== "string") throw new Error(`Expected "${name}" to be a string, got ${kindOf(value)}`);
  return value;
}

/** null and a missing one are the same. @throws Error saying what was expected */
export function optionalTextOf(args: SyscallArgs, name: string): string | undefined {
  const value = args[name];
  return value === undefined || value === null ? undefined : textOf(args, name);
}

/** @throws Error saying what was expected */
export function numberOf(args: SyscallArgs, name: string): number {
  const value = args[name];
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new Error(`Expected "${name}" to be a finite number, got ${kindOf(value)}`);
  }
  return value;
}

/** @throws Error when it is missing */
export function jsonOf(args: SyscallArgs, name: string): JSONValue {
  const value = args[name];
  if (value === undefined) throw new Error(`Expected "${name}", got nothing`);
  return value;
}

/** A member of what may be any JSON; undefined when there is none. */
export function memberOf(json: JSONValue | undefined, name: string): JSONValue | undefined {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json[name] : undefined;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}
