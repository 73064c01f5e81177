// A small real program behind FunctionRunner, for tests of the faces: functions over named cells, each commit with its keys.
import { convexToJson, type JSONValue, jsonToConvex, type Value } from "convex/values";
import type { Call, FunctionRunner } from "../ports.ts";
import { type Caller, type Outcome, type TouchedKey, TransportError } from "../words.ts";

export interface SmallContext {
  readonly args: { readonly [name: string]: Value };
  readonly caller: Caller;
  read(cell: string): Value;
  write(cell: string, value: Value): void;
  log(line: string): void;
}

/** Throwing `data` behind a message makes a failure with `errorData`. */
export class SmallFailure extends Error {
  readonly data: JSONValue | undefined;
  constructor(message: string, data?: JSONValue) {
    super(message);
    this.data = data;
  }
}

export interface SmallFunction {
  readonly kind: "query" | "mutation" | "action";
  readonly isInternal?: boolean;
  readonly handler: (context: SmallContext) => Value | Promise<Value>;
}

export interface SmallRunner extends FunctionRunner {
  readonly calls: Call[];
  /** Changes what `notReady` says. */
  reason: string | null;
}

export function createSmallRunner(
  functions: { readonly [path: string]: SmallFunction },
  http: (request: Request) => Promise<Response | null> = () => Promise.resolve(null),
): SmallRunner {
  const cells = new Map<string, Value>();
  const listeners = new Set<(ts: bigint, touched: readonly TouchedKey[]) => void>();
  const calls: Call[] = [];
  let ts = 1_000n;

  const run = async (call: Call): Promise<Outcome> => {
    calls.push(call);
    const found = functions[call.path];
    const isAllowed = found !== undefined && (call.kind === "any" || call.kind === found.kind);
    if (!isAllowed || (found.isInternal === true && !call.caller.isAdmin)) {
      throw new TransportError(404, "FunctionNotFound", `Could not find function for '${call.path}'`);
    }
    const reads: string[] = [];
    const writes = new Map<string, Value>();
    const logLines: string[] = [];
    const context: SmallContext = {
      args: jsonToConvex(call.args) as SmallContext["args"],
      caller: call.caller,
      read: (cell) => (reads.push(cell), writes.get(cell) ?? cells.get(cell) ?? null),
      write: (cell, value) => void writes.set(cell, value),
      log: (line) => void logLines.push(line),
    };
    let result: Outcome["result"];
    try {
      result = { valueJson: JSON.stringify(convexToJson(await found.handler(context))) };
      for (const [cell, value] of writes) cells.set(cell, value);
      if (writes.size > 0) commit([...writes.keys()]);
    } catch (error) {
      const { message, data } = error as SmallFailure;
      result = { failure: data === undefined ? { message } : { message, data } };
    }
    const intervals = reads.map((cell) => ({ index: 1, from: Buffer.from(cell), to: Buffer.from(`${cell}\0`) }));
    return { result, ts, logLines, reads: intervals, hasReadIdentity: false, journal: null };
  };
  const commit = (written: readonly string[]) => {
    ts += 1n;
    const touched = written.map((cell) => ({ index: 1, key: Buffer.from(cell) }));
    for (const listener of listeners) listener(ts, touched);
  };

  return {
    calls,
    reason: null,
    run,
    async runQueries(queries, caller) {
      const outcomes: Outcome[] = [];
      for (const { path, args } of queries) outcomes.push(await run({ kind: "query", path, args, caller }));
      return { ts, outcomes };
    },
    runHttp: http,
    onCommit(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get ts() {
      return ts;
    },
    notReady() {
      return this.reason;
    },
  };
}
