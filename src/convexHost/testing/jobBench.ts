// A scheduler over the real store, with a clock and functions that the test holds in its hand.
import type { TestContext } from "node:test";
import type { JSONValue, Value } from "convex/values";
import type { CronEntry } from "../cronPlan.ts";
import type { JobRef } from "../functions.ts";
import type { Transaction } from "../ports.ts";
import { createScheduler, type JobFunctions, type Scheduler } from "../scheduler.ts";
import type { FunctionKind, StoredDocument } from "../words.ts";
import { createManualTime, type ManualTime, settle } from "./manualTime.ts";
import { collect, openTempStore, queryOf, schemaOf, type TempStore } from "./tempStore.ts";

export interface TestFunction {
  readonly kind: FunctionKind;
  run(args: JSONValue, transaction: Transaction | null, job: JobRef | null): unknown;
}

export interface JobBench {
  readonly temp: TempStore;
  readonly time: ManualTime;
  readonly functions: Record<string, TestFunction>;
  readonly counts: Record<string, number>;
  readonly events: string[];
  scheduler: Scheduler;
  /** With the crons that the bench was made with. */
  start(): Promise<void>;
  /** Writes the row of a job as callSyscalls.ts does; gives its id. */
  schedule(path: string, delayMs?: number, args?: Value): Promise<string>;
  cancel(id: string): Promise<void>;
  job(id: string): Promise<StoredDocument | null>;
  state(id: string): Promise<string | undefined>;
  rows(table: string): Promise<StoredDocument[]>;
  /** As a process that was killed and begins anew: nothing is settled, timers are gone. */
  restart(crons?: readonly CronEntry[]): Promise<void>;
}

/** The scheduler has not been started yet. */
export function makeJobBench(
  t: TestContext,
  crons: readonly CronEntry[] = [],
  components: readonly string[] = [""],
): JobBench {
  const temp = openTempStore(t);
  temp.store.applySchemas(new Map(components.map((component) => [component, schemaOf()])));
  const time = createManualTime(temp.nowMs);
  Object.defineProperty(temp, "nowMs", { get: time.clock });
  const functions: Record<string, TestFunction> = {};
  const counts: Record<string, number> = {};
  const events: string[] = [];
  const jobFunctions: JobFunctions = {
    kindOf: ({ path }) => functions[path]?.kind ?? null,
    resolve: (path, component) => ({ path, component }),
    async runJob({ path }, args, run) {
      await functions[path]!.run(args, run.transaction, run.job);
      return "null";
    },
  };
  let current = 0;
  const build = (): Scheduler => {
    const turn = ++current;
    const made = createScheduler({
      queue: temp.queue,
      functions: jobFunctions,
      components: () => components,
      clock: time.clock,
      // The timers of a process that was killed do not ring.
      timers: { set: (callback, delayMs) => time.timers.set(() => turn === current && callback(), delayMs) },
      log: (event, fields) => void events.push(`${event} ${JSON.stringify(fields)}`),
      count: (what, labels) => {
        const key = [what, ...Object.values(labels)].join(" ");
        counts[key] = (counts[key] ?? 0) + 1;
      },
    });
    temp.queue.onCommit((_, touched) => turn === current && made.afterCommit(touched));
    return made;
  };
  const bench: JobBench = {
    temp,
    time,
    functions,
    counts,
    events,
    scheduler: build(),
    start: () => bench.scheduler.start(crons),
    async schedule(path, delayMs = 0, args = {}) {
      const row = { name: path, component: "", kind: functions[path]?.kind ?? "mutation", args: [args] };
      const written = await temp.write((transaction) =>
        transaction.insert("", "_scheduled_functions", {
          ...row,
          scheduledTime: transaction.nowMs + delayMs,
          state: { kind: "pending" },
        }),
      );
      return written.value;
    },
    async cancel(id) {
      await temp.write((transaction) => {
        const completedTime = transaction.nowMs;
        transaction.patch("", "_scheduled_functions", id, { state: { kind: "canceled" }, completedTime });
      });
    },
    job: async (id) => (await temp.read((transaction) => transaction.get("", "_scheduled_functions", id))).value,
    state: async (id) => ((await bench.job(id))?.["state"] as { kind: string } | undefined)?.kind,
    rows: async (table) => (await temp.read((transaction) => collect(transaction, queryOf(table)))).value,
    async restart(entries = []) {
      bench.scheduler = build();
      await bench.scheduler.start(entries);
      await settle();
    },
  };
  t.after(async () => {
    current += 1;
    await settle();
  });
  return bench;
}

/** A function whose end the test decides. */
export function makeGate(): {
  readonly begun: JSONValue[];
  readonly run: TestFunction["run"];
  open(error?: Error): void;
  readonly waiting: number;
} {
  const begun: JSONValue[] = [];
  const waiting: PromiseWithResolvers<void>[] = [];
  return {
    begun,
    run(args) {
      begun.push(args);
      const gate = Promise.withResolvers<void>();
      waiting.push(gate);
      return gate.promise;
    },
    open(error) {
      const gate = waiting.shift();
      if (error === undefined) gate?.resolve();
      else gate?.reject(error);
    },
    get waiting() {
      return waiting.length;
    },
  };
}
