// Functions over the real store, queue and files, in a temporary folder.
import path from "node:path";
import type { TestContext } from "node:test";
import type { JSONValue } from "convex/values";
import { createCallGuard } from "../callGuard.ts";
import { createCommitQueue } from "../commitQueue.ts";
import { createConvexGlobal } from "../convexGlobal.ts";
import { createDiskFiles, type DiskFiles } from "../diskFiles.ts";
import { bundleFunctions } from "../esbuildBundle.ts";
import { createRealmHooks } from "../frames.ts";
import { createFunctionRunner, type FunctionRunnerOptions, type Functions } from "../functions.ts";
import type { Call, CommitQueue } from "../ports.ts";
import { parseSchema } from "../schema.ts";
import { createSqliteStore, type SqliteStore } from "../sqliteStore.ts";
import { type LoadedRealm, loadRealm } from "../vmRealm.ts";
import { type Caller, NOBODY, type Outcome } from "../words.ts";
import { makeFunctionFolder } from "./functionFolder.ts";

export interface RealHost {
  readonly functions: Functions;
  readonly store: SqliteStore;
  readonly queue: CommitQueue;
  readonly files: DiskFiles;
  readonly realm: LoadedRealm;
  readonly events: readonly (readonly [event: string, fields: Readonly<Record<string, JSONValue>>])[];
  /** Epoch ms; settable. */
  nowMs: number;
  run(kind: Call["kind"], path: string, args?: JSONValue, more?: Partial<Call>): Promise<Outcome>;
  /** The value as Convex JSON. @throws Error with the failure's message */
  value(kind: Call["kind"], path: string, args?: JSONValue, more?: Partial<Call>): Promise<any>;
  /** @throws Error with the value, when there is one */
  failure(
    kind: Call["kind"],
    path: string,
    args?: JSONValue,
    more?: Partial<Call>,
  ): Promise<{ message: string; data?: JSONValue }>;
}

export const ADMIN: Caller = { identity: null, isAdmin: true, expiresAtMs: null };
export const ORIGIN = "http://127.0.0.1:8004";

export async function startRealHost(
  t: TestContext,
  sources: Readonly<Record<string, string>>,
  options: { readonly environment?: Record<string, string> } & Partial<FunctionRunnerOptions> = {},
): Promise<RealHost> {
  const { environment = {}, ...runnerOptions } = options;
  const folder = makeFunctionFolder(t, sources);
  let nowMs = 1_750_000_000_000;
  const clock = () => nowMs;
  const events: [string, Readonly<Record<string, JSONValue>>][] = [];
  const store = createSqliteStore(path.join(folder.dir, "data.sqlite3"), { clock });
  t.after(() => store.close());
  const queue = createCommitQueue(store, { clock });
  const hooks = createRealmHooks({ clock, log: (level, text) => void events.push(["stray", { level, text }]) });
  const bundle = await bundleFunctions(folder.root, null);
  const realm = loadRealm(bundle, { environment, convex: createConvexGlobal(), hooks });
  store.applySchemas(new Map([...realm.schemas].map(([component, json]) => [component, parseSchema(json)])));
  const components = () => [...realm.modules.keys()];
  const files = createDiskFiles({ dir: path.join(folder.dir, "files"), queue, clock, components });
  t.after(() => files.settled());
  const functions = createFunctionRunner({
    guard: createCallGuard(null, Date.now, null),
    realm,
    queue,
    store,
    files,
    auth: { ofHeader: () => Promise.resolve(NOBODY) },
    origin: () => ORIGIN,
    clock,
    log: (event, fields) => void events.push([event, fields]),
    isDeterminismChecked: true,
    ...runnerOptions,
  });
  const run: RealHost["run"] = (kind, at, args = {}, more = {}) =>
    functions.run({ kind, path: at, args, caller: NOBODY, ...more });
  return {
    functions,
    store,
    queue,
    files,
    realm,
    events,
    get nowMs() {
      return nowMs;
    },
    set nowMs(value) {
      nowMs = value;
    },
    run,
    async value(...call) {
      const { result } = await run(...call);
      if ("failure" in result) throw new Error(result.failure.message);
      return JSON.parse(result.valueJson) as unknown;
    },
    async failure(...call) {
      const { result } = await run(...call);
      if ("valueJson" in result) throw new Error(`expected a failure, got ${result.valueJson}`);
      return result.failure;
    },
  };
}
