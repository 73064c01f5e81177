// ONE table: operation → where it comes through, where it is allowed, what it does (embedded-convex §3.1). A test compares
// its names with those in the installed package.
import * as calls from "./callSyscalls.ts";
import * as database from "./databaseSyscalls.ts";
import * as files from "./fileSyscalls.ts";
import type { FrameKind } from "./frames.ts";
import * as meta from "./metaSyscalls.ts";
import type { Handler, Operation } from "./syscallWords.ts";

const TRANSACTIONS: readonly FrameKind[] = ["query", "mutation"];
const MUTATIONS: readonly FrameKind[] = ["mutation"];
const ACTIONS: readonly FrameKind[] = ["action", "http"];
const EFFECTS: readonly FrameKind[] = ["mutation", "action", "http"];
const ALL: readonly FrameKind[] = ["query", "mutation", "action", "http"];

const sync = (allowedIn: readonly FrameKind[], handle: Handler): Operation => ({
  through: "syscall",
  allowedIn,
  handle,
});
const async = (allowedIn: readonly FrameKind[], handle: Handler): Operation => ({
  through: "asyncSyscall",
  allowedIn,
  handle,
});
const js = (allowedIn: readonly FrameKind[], handle: Handler): Operation => ({
  through: "jsSyscall",
  allowedIn,
  handle,
});
const notOffered =
  (what: string): Handler =>
  () => {
    throw new Error(`${what} is not offered by the embedded host (Convex-compatible)`);
  };

export const SYSCALLS: Readonly<Record<string, Operation>> = {
  // sync
  "1.0/queryStream": sync(TRANSACTIONS, database.openQuery),
  "1.0/queryCleanup": sync(TRANSACTIONS, database.closeQuery),
  "1.0/db/normalizeId": sync(TRANSACTIONS, database.normalizeId),
  "1.0/getSnapshotTs": sync(TRANSACTIONS, database.getSnapshotTs),
  // read
  "1.0/get": async(TRANSACTIONS, database.get),
  "1.0/queryStreamNext": async(TRANSACTIONS, database.nextOfQuery),
  "1.0/queryPage": async(TRANSACTIONS, database.readPage),
  "1.0/count": async(TRANSACTIONS, database.count),
  // write
  "1.0/insert": async(MUTATIONS, database.insert),
  "1.0/shallowMerge": async(MUTATIONS, database.patch),
  "1.0/replace": async(MUTATIONS, database.replace),
  "1.0/remove": async(MUTATIONS, database.remove),
  // call
  "1.0/runUdf": async(TRANSACTIONS, calls.runUdf),
  "1.0/actions/query": async(ACTIONS, calls.runFromAction("query")),
  "1.0/actions/mutation": async(ACTIONS, calls.runFromAction("mutation")),
  "1.0/actions/action": async(ACTIONS, calls.runFromAction("action")),
  "1.0/actions/vectorSearch": async(ACTIONS, database.vectorSearch),
  "1.0/createFunctionHandle": async(ALL, calls.createFunctionHandle),
  // schedule
  "1.0/schedule": async(MUTATIONS, calls.schedule),
  "1.0/cancel_job": async(MUTATIONS, calls.cancelJob),
  "1.0/actions/schedule": async(ACTIONS, calls.schedule),
  "1.0/actions/cancel_job": async(ACTIONS, calls.cancelJob),
  // files
  "1.0/storageGetUrl": async(ALL, files.getUrl),
  "1.0/storageGetMetadata": async(ALL, files.getMetadata),
  "1.0/storageGenerateUploadUrl": async(EFFECTS, files.generateUploadUrl),
  "1.0/storageDelete": async(EFFECTS, files.deleteFile),
  "1.0/storageGet": async(MUTATIONS, files.readInMutation),
  "1.0/storageStore": async(MUTATIONS, files.storeInMutation),
  "storage/storeBlob": js(ACTIONS, files.storeBlob),
  "storage/getBlob": js(ACTIONS, files.getBlob),
  // meta
  "1.0/getUserIdentity": async(ALL, meta.getUserIdentity),
  "1.0/getFunctionMetadata": async(ALL, meta.getFunctionMetadata),
  "1.0/getDeploymentMetadata": async(ALL, meta.getDeploymentMetadata),
  "1.0/getRequestMetadata": async(ALL, meta.getRequestMetadata),
  "1.0/getTransactionMetrics": async(TRANSACTIONS, meta.getTransactionMetrics),
  // log
  "1.0/auditLog": async(EFFECTS, meta.auditLog),
  // refused
  "1.0/signJwt": async(ALL, notOffered("auth.signJwt()")),
  "1.0/createServiceToken": async(ALL, notOffered("getServiceToken()")),
  "1.0/getServiceUrl": async(ALL, notOffered("getServiceUrl()")),
  // The cloud's way into a router; the host asks the router itself.
  requestFromConvexJson: js(ALL, notOffered("HttpRouter.runRequest()")),
  convexJsonFromResponse: js(ALL, notOffered("HttpRouter.runRequest()")),
};
