import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { SYSCALLS } from "./syscalls.ts";

const SERVER = path.resolve(path.dirname(fileURLToPath(import.meta.resolve("convex/server"))), "../../../src/server");

/** Every call of `performSyscall`, `performAsyncSyscall` and `performJsSyscall` in the installed package. */
function operationsOfPackage(): Map<string, string> {
  const found = new Map<string, string>();
  let calls = 0;
  for (const file of globSync("**/*.ts", { cwd: SERVER })) {
    if (file.endsWith(".test.ts")) continue;
    const source = readFileSync(path.join(SERVER, file), "utf8");
    calls += source.match(/(?<!function )\bperform(Async|Js)?Syscall\(/g)?.length ?? 0;
    for (const [, which = "", name = ""] of source.matchAll(/\bperform(Async|Js)?Syscall\(\s*"([^"]+)"/g)) {
      found.set(name, which === "" ? "syscall" : which === "Async" ? "asyncSyscall" : "jsSyscall");
      calls -= 1;
    }
  }
  assert.equal(calls, 0, "a call whose operation is not a literal");
  return found;
}

test("the table has every operation of the installed package, and no other", () => {
  const inPackage = operationsOfPackage();
  assert.ok(inPackage.size >= 39, `found only ${inPackage.size} operations in ${SERVER}`);
  const inTable = new Map(Object.entries(SYSCALLS).map(([name, { through }]) => [name, through]));
  assert.deepEqual(Object.fromEntries([...inTable].sort()), Object.fromEntries([...inPackage].sort()));
});

test("each operation is allowed where embedded-convex §3.1 says", () => {
  const groups: Record<string, string[]> = {};
  for (const [name, { allowedIn }] of Object.entries(SYSCALLS))
    (groups[allowedIn.join()] ??= []).push(name.replace("1.0/", ""));
  assert.deepEqual(groups, {
    "query,mutation": [
      "queryStream",
      "queryCleanup",
      "db/normalizeId",
      "getSnapshotTs",
      "get",
      "queryStreamNext",
      "queryPage",
      "count",
      "runUdf",
      "getTransactionMetrics",
    ],
    mutation: ["insert", "shallowMerge", "replace", "remove", "schedule", "cancel_job", "storageGet", "storageStore"],
    "action,http": [
      "actions/query",
      "actions/mutation",
      "actions/action",
      "actions/vectorSearch",
      "actions/schedule",
      "actions/cancel_job",
      "storage/storeBlob",
      "storage/getBlob",
    ],
    "query,mutation,action,http": [
      "createFunctionHandle",
      "storageGetUrl",
      "storageGetMetadata",
      "getUserIdentity",
      "getFunctionMetadata",
      "getDeploymentMetadata",
      "getRequestMetadata",
      "signJwt",
      "createServiceToken",
      "getServiceUrl",
      "requestFromConvexJson",
      "convexJsonFromResponse",
    ],
    "mutation,action,http": ["storageGenerateUploadUrl", "storageDelete", "auditLog"],
  });
});
