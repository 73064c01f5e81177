// The operations that tell a function about itself, its caller and its deployment, and the audit log (embedded-convex §3.1).
import type { JSONValue } from "convex/values";
import { inTransaction, jsonOf, memberOf, type Handler, type SyscallCall } from "./syscallWords.ts";

/** Whoever asks has an answer of its own: an outcome that did must not be shared with other callers. */
export const getUserIdentity: Handler = ({ frame }) => {
  if (frame.isCallerKnown) frame.tree.hasReadIdentity = true;
  return frame.identity;
};

export const getFunctionMetadata: Handler = ({ frame }) => ({
  name: frame.address.path,
  componentPath: frame.address.component,
});

/** The smallest class, whose figures the host's limits are (§3.8). */
export const getDeploymentMetadata: Handler = () => ({ name: "embedded-host", region: null, class: "s16" });

export const getRequestMetadata: Handler = ({ frame }) => ({
  ip: null,
  userAgent: null,
  requestId: frame.tree.requestId,
  scheduledFunctionId: frame.tree.job?.id ?? null,
  authToken: null,
});

export const getTransactionMetrics: Handler = inTransaction((_call, _transaction, work) =>
  work.transaction.budget.metrics(),
);

/** A mutation's line is written once it is committed. */
export const auditLog: Handler = (call) => {
  const { frame, host, args } = call;
  const { address, tree, work } = frame;
  const body = withVariables(jsonOf(args, "body"), call);
  const write = () => host.log("function.audit", { ...address, requestId: tree.requestId, body });
  if (work === null) write();
  else work.afterCommit(write);
  return null;
};

/** `{"$var": name}` stands for what only the host knows (convex/src/server/logVars.ts). */
function withVariables(json: JSONValue, call: SyscallCall): JSONValue {
  if (Array.isArray(json)) return json.map((item) => withVariables(item, call));
  if (typeof json !== "object" || json === null) return json;
  const variable = memberOf(json, "$var");
  if (typeof variable === "string") return variableOf(variable, call);
  return Object.fromEntries(
    Object.entries(json).flatMap(([name, member]) =>
      member === undefined ? [] : [[name, withVariables(member, call)]],
    ),
  );
}

function variableOf(name: string, { frame, host }: SyscallCall): JSONValue {
  if (name === "requestId") return frame.tree.requestId;
  if (name === "now") return frame.work?.transaction.nowMs ?? host.clock();
  return null;
}
