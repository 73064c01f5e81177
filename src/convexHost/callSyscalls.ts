// The operations that call and schedule functions (embedded-convex §3.1: call, handle, schedule; §3.6).
import { getConvexSize, type JSONValue } from "convex/values";
import { checkLimit } from "./limits.ts";
import type { Transaction } from "./ports.ts";
import { handleOf, type RegisteredFunction } from "./registry.ts";
import {
  inAnyTransaction,
  jsonOf,
  numberOf,
  textOf,
  type Handler,
  type SyscallArgs,
  type SyscallCall,
} from "./syscallWords.ts";
import { parseValue } from "./valueJson.ts";
import type { FunctionKind } from "./words.ts";

/** `ctx.runQuery` and `ctx.runMutation` of queries and mutations. */
export const runUdf: Handler = ({ frame, host, args }) => {
  const type = textOf(args, "udfType");
  const kind: FunctionKind = type === "mutation" ? "mutation" : "query";
  if (type !== kind && type !== "snapshotQuery")
    throw new Error(`Expected udfType "query", "mutation" or "snapshotQuery"`);
  if (frame.kind === "query" && type !== "query")
    throw new Error(`${frame.address.path} is a query: it can call queries only`);
  return host.callNested(frame, {
    target: host.resolve(frame, targetArgs(args), [kind]),
    args: jsonOf(args, "args"),
    limits: args["transactionLimits"],
    isStale: type === "snapshotQuery",
  });
};

/** `ctx.runQuery`, `ctx.runMutation` and `ctx.runAction` of actions. */
export function runFromAction(kind: FunctionKind): Handler {
  return ({ frame, host, args }) =>
    host.callFromAction(frame, host.resolve(frame, targetArgs(args), [kind]), jsonOf(args, "args"));
}

export const createFunctionHandle: Handler = ({ frame, host, args }) =>
  handleOf(host.resolve(frame, targetArgs(args), ["query", "mutation", "action"]).address);

/** Writes the job's row; the scheduler finds it there once it is committed. `ts` is in seconds. */
export const schedule = inAnyTransaction(true, (call, transaction, work) => {
  const { frame, host, args } = call;
  const target = host.resolve(frame, targetArgs(args), ["mutation", "action"]);
  const value = parseValue(jsonOf(args, "args"), { allowsCommitTs: false });
  const argsBytes = getConvexSize(value);
  checkLimit("scheduledArgsBytes", argsBytes);
  work.transaction.budget.spend("scheduledArgsTotalBytes", argsBytes);
  const scheduledTime = numberOf(args, "ts") * 1_000;
  const isCanceled = isJobCanceled(call, transaction);
  return transaction.insert(frame.address.component, "_scheduled_functions", {
    ...jobOf(target, frame.address.component),
    args: [value],
    scheduledTime,
    state: { kind: isCanceled ? "canceled" : "pending" },
    ...(isCanceled ? { completedTime: transaction.nowMs } : {}),
  });
});

/**
 * How a row of `_scheduled_functions` of `component` names its function. Users read the rows: they have the fields that they
 * have on Convex, but for a function of another component.
 */
function jobOf({ address }: RegisteredFunction, component: string): { name: string; component?: string } {
  return address.component === component
    ? { name: address.path }
    : { name: address.path, component: address.component };
}

/** What a cancelled job schedules after that is cancelled (§3.6). */
function isJobCanceled({ frame }: SyscallCall, transaction: Transaction): boolean {
  const { job } = frame.tree;
  return job !== null && stateOf(transaction, job.component, job.id) === "canceled";
}

function stateOf(transaction: Transaction, component: string, id: string): unknown {
  const row = transaction.get(component, "_scheduled_functions", id);
  return (row?.["state"] as { readonly kind?: unknown } | undefined)?.kind;
}

/** A pending job never runs; a running one finishes. One that has ended, or is gone, stays as it is. */
export const cancelJob = inAnyTransaction(true, ({ frame, args }, transaction) => {
  const id = textOf(args, "id");
  const { component } = frame.address;
  const state = stateOf(transaction, component, id);
  if (state === "pending" || state === "inProgress") {
    const canceled: JSONValue = { state: { kind: "canceled" }, completedTime: transaction.nowMs };
    transaction.patch(component, "_scheduled_functions", id, canceled);
  }
  return {};
});

function targetArgs({ name, reference, functionHandle }: SyscallArgs) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(reference === undefined ? {} : { reference }),
    ...(functionHandle === undefined ? {} : { functionHandle }),
  };
}
