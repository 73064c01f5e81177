// A small FunctionRunner in memory with real semantics: one transaction after another, group commit, answers only after the
// COMMIT, rollback, stored outcomes. Its program keeps lists of texts.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { JSONValue } from "convex/values";
import type { Call, FunctionRunner, QueryCall } from "../ports.ts";
import { type Caller, type KeyInterval, NOBODY, type Outcome, type TouchedKey, TransportError } from "../words.ts";

const LISTS = 1;
const REQUESTS = 2;
const GROUP_MAX = 256;

type Lists = Map<string, readonly string[]>;
/** Of all functions; each uses its own. */
interface Args {
  readonly name: string;
  readonly names: readonly string[];
  readonly text: string;
  readonly length: number;
}

interface Context {
  read(name: string): readonly string[];
  append(name: string, text: string): void;
  /** Asking for it makes the answer the caller's own. */
  identity(): string | null;
  readonly journal: string | null;
  endPage(journal: string): void;
}

class FunctionError extends Error {
  readonly data: JSONValue | undefined;
  constructor(message: string, data?: JSONValue) {
    super(message);
    this.data = data;
  }
}

const QUERIES: Readonly<Record<string, (context: Context, args: Args) => JSONValue>> = {
  "list:read": (context, { name }) => [...context.read(name)],
  "list:count": (context, { names }) => names.map((name) => context.read(name).length),
  "list:long": (context, { name, length }) => `${context.read(name).length}:${'é"😀'.repeat(length / 4)}`,
  "list:broken": (context, { name }) => {
    throw new FunctionError(`broken at ${context.read(name).length}`, { at: name });
  },
  "list:page": (context, { name }) => {
    const list = context.read(name);
    const end = context.journal === null ? Math.min(2, list.length) : Number(context.journal);
    context.endPage(String(end));
    return list.slice(0, end);
  },
  "who:am": (context) => context.identity(),
  "who:list": (context, { name }) => [context.identity(), ...context.read(name)],
};

const MUTATIONS: Readonly<Record<string, (context: Context, args: Args) => JSONValue>> = {
  "list:append": (context, { name, text }) => {
    context.append(name, text);
    return context.read(name).length;
  },
  "list:nothing": () => null,
  "list:appendAndFail": (context, { name, text }) => {
    context.append(name, text);
    throw new FunctionError("it failed", { code: "FAILED" });
  },
};

export class MemoryRunner implements FunctionRunner {
  /** How often each function ran. */
  readonly runs = new Map<string, number>();
  readonly lists: Lists = new Map();
  /** Awaited between a COMMIT, of which everybody has been told, and its answers. */
  beforeAnswers: () => Promise<void> = () => Promise.resolve();
  /** Awaited before a group begins. */
  beforeGroup: () => Promise<void> = () => Promise.resolve();
  /** Instead of running: the host's own trouble. */
  trouble: Error | null = null;
  /** What an action waits for. */
  actionGate: () => Promise<void> = () => Promise.resolve();
  readonly #listeners = new Set<(ts: bigint, touched: readonly TouchedKey[]) => void>();
  readonly #stored = new Map<string, Outcome>();
  #waiting: ((touched: TouchedKey[]) => () => void)[] = [];
  #isWorking = false;
  #ts = 1_000n;
  #failures = 0;

  get ts(): bigint {
    return this.#ts;
  }

  notReady(): string | null {
    return null;
  }

  runHttp(): Promise<Response | null> {
    return Promise.resolve(null);
  }

  onCommit(listener: (ts: bigint, touched: readonly TouchedKey[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  runsOf(path: string): number {
    return this.runs.get(path) ?? 0;
  }

  async run(call: Call): Promise<Outcome> {
    if (this.trouble !== null) throw this.trouble;
    if (call.kind === "action") return this.#act(call);
    const mutate = MUTATIONS[call.path];
    if (mutate === undefined) throw new TransportError(404, "FunctionNotFound", `no mutation "${call.path}"`);
    return this.#enqueue((touched) => this.#mutate(call, mutate, touched));
  }

  async runQueries(
    queries: readonly QueryCall[],
    caller: Caller,
  ): Promise<{ readonly ts: bigint; readonly outcomes: readonly Outcome[] }> {
    if (this.trouble !== null) throw this.trouble;
    for (const { path } of queries) {
      if (QUERIES[path] === undefined) throw new TransportError(404, "FunctionNotFound", `no query "${path}"`);
    }
    return this.#enqueue(() => ({
      ts: this.#ts,
      outcomes: queries.map((query) => this.#query(query, caller)),
    }));
  }

  /** A write from elsewhere: a job, another face of the host. */
  append(name: string, text: string): Promise<Outcome> {
    return this.run({ kind: "mutation", path: "list:append", args: { name, text }, caller: NOBODY });
  }

  #enqueue<T>(execute: (touched: TouchedKey[]) => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push((touched) => {
      const value = execute(touched);
      return () => resolve(value);
    });
    this.#work().catch(reject);
    return promise;
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    while (this.#waiting.length > 0) {
      await this.beforeGroup();
      const group = this.#waiting.splice(0, GROUP_MAX);
      const touched: TouchedKey[] = [];
      const answers = group.map((execute) => execute(touched));
      await nextTurn(); // the COMMIT
      if (touched.length > 0) for (const listener of this.#listeners) listener(this.#ts, touched);
      await this.beforeAnswers();
      for (const answer of answers) answer();
    }
    this.#isWorking = false;
  }

  #query({ path, args, journal }: QueryCall, caller: Caller): Outcome {
    const frame = this.#frame(this.lists, caller, journal);
    const query = QUERIES[path] ?? (() => null);
    return this.#outcome(path, frame, () => query(frame.context, args as unknown as Args));
  }

  #mutate(call: Call, mutate: (context: Context, args: Args) => JSONValue, touched: TouchedKey[]): Outcome {
    const requestKey = call.request === undefined ? null : `${call.request.sessionId}/${call.request.requestId}`;
    const stored = requestKey === null ? undefined : this.#stored.get(requestKey);
    if (stored !== undefined) return stored;
    const draft: Lists = new Map(this.lists);
    const frame = this.#frame(draft, call.caller, null);
    const outcome = this.#outcome(call.path, frame, () => mutate(frame.context, call.args as unknown as Args));
    const hasFailed = "failure" in outcome.result;
    if (!hasFailed) {
      for (const name of frame.written) {
        this.lists.set(name, draft.get(name) ?? []);
        touched.push({ index: LISTS, key: Buffer.from(name) });
      }
    }
    if (requestKey !== null) touched.push({ index: REQUESTS, key: Buffer.from(requestKey) });
    const hasWritten = requestKey !== null || (!hasFailed && frame.written.size > 0);
    if (hasWritten) this.#ts += 1n;
    const done: Outcome = { ...outcome, ts: this.#ts, reads: [], journal: null };
    if (requestKey !== null) this.#stored.set(requestKey, done);
    return done;
  }

  async #act({ path, args, caller }: Call): Promise<Outcome> {
    const frame = this.#frame(this.lists, caller, null);
    if (path === "act:trouble") throw new Error("the host is broken");
    await this.actionGate();
    return this.#outcome(path, frame, () => {
      if (path !== "act:echo") throw new FunctionError(`${path} failed`);
      return args;
    });
  }

  #frame(lists: Lists, caller: Caller, journal: string | null) {
    const reads: KeyInterval[] = [];
    const written = new Set<string>();
    const frame = { reads, written, hasReadIdentity: false, page: null as string | null };
    const context: Context = {
      journal,
      read(name) {
        const from = Buffer.from(name);
        reads.push({ index: LISTS, from, to: Buffer.concat([from, Buffer.of(0)]) });
        return lists.get(name) ?? [];
      },
      append(name, text) {
        lists.set(name, [...(lists.get(name) ?? []), text]);
        written.add(name);
      },
      identity() {
        frame.hasReadIdentity = true;
        return caller.identity?.tokenIdentifier ?? null;
      },
      endPage: (end) => void (frame.page = end),
    };
    return Object.assign(frame, { context });
  }

  #outcome(
    path: string,
    frame: { reads: readonly KeyInterval[]; hasReadIdentity: boolean; page: string | null },
    execute: () => JSONValue,
  ): Outcome {
    this.runs.set(path, this.runsOf(path) + 1);
    const result = this.#resultOf(execute);
    const { reads, hasReadIdentity, page } = frame;
    return { result, ts: this.#ts, logLines: [], reads, hasReadIdentity, journal: page };
  }

  #resultOf(execute: () => JSONValue): Outcome["result"] {
    try {
      return { valueJson: JSON.stringify(execute()) };
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      this.#failures += 1;
      const message = `[Request ID: ${this.#failures}] Server Error\nUncaught Error: ${error.message}`;
      return { failure: error.data === undefined ? { message } : { message, data: error.data } };
    }
  }
}
