import assert from "node:assert/strict";
import { test } from "node:test";
import { startRealHost } from "./testing/realHost.ts";

const META = `
  import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action, internalQueryGeneric as internalQuery, log } from "convex/server";
  declare const Convex: any;
  export const about = query({ handler: async (ctx) => [await (ctx as any).meta.getFunctionMetadata(), await (ctx as any).meta.getDeploymentMetadata()] });
  export const request = action({ handler: (ctx) => (ctx as any).meta.getRequestMetadata() });
  export const metrics = action({ handler: async () => { try { await Convex.asyncSyscall("1.0/getTransactionMetrics", "{}"); } catch (e) { return e.message; } } });
  const body = { who: "ann", of: [{ $var: "requestId" }, { $var: "ip" }], at: { $var: "now" } };
  const audit = () => Convex.asyncSyscall("1.0/auditLog", JSON.stringify({ body }));
  export const audits = mutation({ handler: async () => { await audit(); } });
  export const auditsAndFails = mutation({ handler: async () => { await audit(); throw new Error("no"); } });
  export const auditsInQuery = query({ handler: () => audit() });
  export const auditsInAction = action({ handler: async () => { await audit(); } });
`;

test("a function can ask for its name, its deployment and its request", async (t) => {
  const h = await startRealHost(t, { "m.ts": META });
  assert.deepEqual(await h.value("query", "m:about"), [
    { name: "m:about", componentPath: "", type: "query", visibility: "public" },
    { name: "embedded-host", region: null, class: "s16" },
  ]);
  const { requestId, ...rest } = await h.value("action", "m:request");
  assert.match(requestId, /^[0-9a-f]{16}$/);
  assert.deepEqual(rest, { ip: null, userAgent: null, scheduledFunctionId: null, authToken: null });
  assert.match(await h.value("action", "m:metrics"), /1\.0\/getTransactionMetrics in m:metrics, which is an action/);
});

test("the audit log hears of what was committed, once, with the host's variables filled in", async (t) => {
  const h = await startRealHost(t, { "m.ts": META });
  const audited = () => h.events.filter(([event]) => event === "function.audit").map(([, fields]) => fields);
  await h.failure("mutation", "m:auditsAndFails");
  assert.match(
    (await h.failure("query", "m:auditsInQuery")).message,
    /1\.0\/auditLog in m:auditsInQuery, which is a query/,
  );
  assert.deepEqual(audited(), []);
  await h.value("mutation", "m:audits");
  const [first] = audited();
  assert.deepEqual(first, {
    component: "",
    path: "m:audits",
    requestId: first?.["requestId"],
    body: { who: "ann", of: [first?.["requestId"], null], at: h.nowMs },
  });
  await h.value("action", "m:auditsInAction");
  assert.equal(audited().length, 2);
});
