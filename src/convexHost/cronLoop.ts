// Runs the crons: by name, one run at a time, missed runs skipped (embedded-convex §3.6).
import { convexToJson, type Value } from "convex/values";
import type { ActionSlots } from "./actionSlots.ts";
import { STEP_MAX_MS, stepTo } from "./alarm.ts";
import { type CronEntry, type CronRow, planCrons } from "./cronPlan.ts";
import { nextRunMs } from "./cronTime.ts";
import type { Transaction } from "./ports.ts";
import { isHostTrouble, type JobFunctions, messageOf, RETRY_MS, type SchedulerOptions } from "./schedulerPorts.ts";
import type { FunctionAddress, StoredDocument } from "./words.ts";

const CRONS_TABLE = "_crons";
const ROWS_MAX = 1_000;
/** A clock that goes back by more was set, and has not only drifted: a run that lies so far behind is no second one. */
const SET_BACK_MS = 60_000;

export interface CronLoop {
  /**
   * Makes the stored rows what `entries` say, then begins; again after a reload, when runs under way go on.
   * @throws Error naming an entry whose function is none; then nothing has changed
   */
  start(entries: readonly CronEntry[]): Promise<void>;
  wake(): void;
  /** No more runs; resolves when those under way have ended. */
  stop(): Promise<void>;
}

/** One cron while the host is up: only this file writes its row, so it need not be read again. */
interface Cron {
  readonly entry: CronEntry;
  readonly address: FunctionAddress;
  readonly id: string;
  readonly anchorMs: number;
  nextRunMs: number;
}

/** What identifies a cron, over reloads too. */
const keyOf = ({ component, name }: CronEntry): string => `${component}|${name}`;

export function createCronLoop(options: SchedulerOptions, slots: ActionSlots): CronLoop {
  return new Loop(options, slots);
}

class Loop implements CronLoop {
  readonly #options: SchedulerOptions;
  readonly #slots: ActionSlots;
  #crons: ReadonlyMap<string, Cron> = new Map();
  readonly #underWay = new Map<string, Promise<void>>();
  #isStopped = false;
  #callOff: () => void = () => undefined;
  /** The clock at the last look. Before the first any may be behind: it may have been set while the host was down. */
  #lookedAtMs = Number.POSITIVE_INFINITY;

  constructor(options: SchedulerOptions, slots: ActionSlots) {
    this.#options = options;
    this.#slots = slots;
    slots.onFree(() => this.wake());
  }

  async start(entries: readonly CronEntry[]): Promise<void> {
    const { queue, components, functions } = this.#options;
    const resolved = entries.map((entry) => ({ entry, address: addressOfCron(entry, functions) }));
    const found = new Map<string, Cron>();
    for (const component of components()) {
      const own = resolved.filter(({ entry }) => entry.component === component);
      const { value: crons } = await queue.run(async (transaction) => this.#store(transaction, component, own), true);
      for (const cron of crons) found.set(keyOf(cron.entry), cron);
    }
    this.#crons = found;
    this.#lookedAtMs = Number.POSITIVE_INFINITY;
    this.wake();
  }

  #store(
    transaction: Transaction,
    component: string,
    resolved: readonly { readonly entry: CronEntry; readonly address: FunctionAddress }[],
  ): Cron[] {
    const stored = readRows(transaction, component);
    const ids = new Map(stored.map(({ id, row }) => [row.name, id]));
    const entries = resolved.map(({ entry }) => entry);
    const changes = planCrons(
      // A grid that begins in the future is of a clock that was ahead of time: as if the schedule were another one.
      stored.map(({ row }) => (row.anchorMs > transaction.nowMs ? { ...row, scheduleJson: "" } : row)),
      entries,
      transaction.nowMs,
    );
    for (const row of changes.insert) ids.set(row.name, transaction.insert(component, CRONS_TABLE, { ...row }));
    for (const row of changes.update) {
      transaction.patch(component, CRONS_TABLE, ids.get(row.name) ?? "", convexToJson({ ...row }));
    }
    for (const name of changes.remove) transaction.remove(component, CRONS_TABLE, ids.get(name) ?? "");
    for (let missed = 0; missed < changes.missed; missed++) this.#options.count("crons", { result: "missed" });
    const rows = new Map(changes.rows.map((row) => [row.name, row]));
    return resolved.flatMap(({ entry, address }) => {
      const row = rows.get(entry.name);
      const id = ids.get(entry.name);
      return row === undefined || id === undefined
        ? []
        : [{ entry, address, id, anchorMs: row.anchorMs, nextRunMs: row.nextRunMs }];
    });
  }

  wake(): void {
    this.#callOff();
    if (this.#isStopped || this.#crons.size === 0) return;
    const { clock, timers } = this.#options;
    const isSetBack = clock() < this.#lookedAtMs;
    this.#lookedAtMs = clock();
    let nextMs = this.#lookedAtMs + STEP_MAX_MS;
    for (const [key, cron] of this.#crons) {
      if (this.#underWay.has(key)) continue;
      if (isSetBack) this.#followClock(cron);
      // An action that finds no free slot stays due; a slot that becomes free wakes us.
      if (cron.nextRunMs <= clock()) this.#run(cron);
      else nextMs = Math.min(nextMs, cron.nextRunMs);
    }
    // A timer and no alarm: that would wait for a moment of a clock that was set back.
    this.#callOff = timers.set(() => this.wake(), stepTo(nextMs, clock()));
  }

  /** After the clock was set back, the runs until the one that was to be next are runs too. */
  #followClock(cron: Cron): void {
    const nowMs = this.#options.clock();
    if (cron.nextRunMs <= nowMs + SET_BACK_MS) return;
    const nextMs = nextOf(cron, nowMs + SET_BACK_MS, nowMs);
    if (nextMs < cron.nextRunMs) cron.nextRunMs = nextMs;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#callOff();
    await Promise.all(this.#underWay.values());
  }

  #run(cron: Cron): void {
    const isAction = this.#options.functions.kindOf(cron.address) === "action";
    if (isAction && !this.#slots.take()) return;
    const run = (isAction ? this.#runAction(cron) : this.#runMutation(cron)).then(
      (error) => this.#tell(cron, error),
      (error: unknown) => this.#rest(cron, error),
    );
    const key = keyOf(cron.entry);
    const done = run.finally(() => {
      this.#underWay.delete(key);
      // After a reload it may be another one, or gone.
      const current = this.#crons.get(key);
      if (current !== undefined) this.#skipMissed(current);
      if (isAction) this.#slots.give();
      this.wake();
    });
    this.#underWay.set(key, done);
  }

  /** The run and the row that says when the next one is commit together. Gives what it threw; null after success. */
  async #runMutation(cron: Cron): Promise<string | null> {
    const { queue, functions } = this.#options;
    try {
      const { value } = await queue.run(async (transaction) => {
        const next = this.#writeNext(transaction, cron, null);
        await functions.runJob(cron.address, cron.entry.args, { kind: "mutation", transaction, job: null });
        return next;
      }, true);
      cron.nextRunMs = value;
      return null;
    } catch (error) {
      if (isHostTrouble(error)) throw error;
      const message = messageOf(error);
      const { value } = await queue.run(async (transaction) => this.#writeNext(transaction, cron, message), true);
      cron.nextRunMs = value;
      return message;
    }
  }

  /** The row says when the next run is before this one begins: it does not run twice, whatever happens. */
  async #runAction(cron: Cron): Promise<string | null> {
    const { queue, functions } = this.#options;
    const { value } = await queue.run(async (transaction) => this.#writeNext(transaction, cron, null), true);
    cron.nextRunMs = value;
    try {
      await functions.runJob(cron.address, cron.entry.args, { kind: "action", transaction: null, job: null });
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  #writeNext(transaction: Transaction, cron: Cron, error: string | null): number {
    const next = nextOf(cron, transaction.nowMs, transaction.nowMs);
    transaction.patch(cron.entry.component, CRONS_TABLE, cron.id, {
      nextRunMs: next,
      lastRunMs: transaction.nowMs,
      lastError: error,
    });
    return next;
  }

  /** A run that fell due during another is skipped. A start would do the same with the stored row, so it is not written. */
  #skipMissed(cron: Cron): void {
    const nowMs = this.#options.clock();
    if (cron.nextRunMs > nowMs) return;
    cron.nextRunMs = nextOf(cron, nowMs, nowMs);
    this.#options.count("crons", { result: "skipped" });
  }

  #tell(cron: Cron, error: string | null): void {
    const { count, log } = this.#options;
    count("crons", { result: error === null ? "success" : "failed" });
    if (error !== null) log("cron.failed", { name: cron.entry.name, component: cron.entry.component, error });
  }

  #rest(cron: Cron, error: unknown): void {
    cron.nextRunMs = this.#options.clock() + RETRY_MS;
    this.#options.log("scheduler.trouble", { message: messageOf(error), retryMs: RETRY_MS });
  }
}

/** A clock that was set back may show a time before the cron's first: no interval is to wait until then. */
function nextOf({ entry, anchorMs }: Cron, afterMs: number, nowMs: number): number {
  return nextRunMs(entry.schedule, afterMs, Math.min(anchorMs, nowMs));
}

/** The function that the entry runs. @throws Error when there is none, or it is a query */
export function addressOfCron(entry: CronEntry, functions: Pick<JobFunctions, "kindOf" | "resolve">): FunctionAddress {
  const where = `crons.ts: ${JSON.stringify(entry.name)}`;
  let address: FunctionAddress;
  try {
    address = functions.resolve(entry.functionName, entry.component);
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
  const kind = functions.kindOf(address);
  if (kind === "mutation" || kind === "action") return address;
  const problem = kind === null ? "which does not exist" : "which is a query";
  throw new Error(`${where} names ${address.path}, ${problem}; expected a mutation or an action`);
}

function readRows(transaction: Transaction, component: string): { readonly id: string; readonly row: CronRow }[] {
  const query = transaction.openQuery(component, {
    source: { type: "IndexRange", indexName: `${CRONS_TABLE}.by_name`, range: [], order: "asc" },
    operators: [{ limit: ROWS_MAX }],
  });
  const rows: { id: string; row: CronRow }[] = [];
  for (let row = transaction.nextOf(query); row !== null; row = transaction.nextOf(query)) rows.push(readRow(row));
  transaction.closeQuery(query);
  return rows;
}

function readRow(document: StoredDocument): { readonly id: string; readonly row: CronRow } {
  const { name, scheduleJson, anchorMs, nextRunMs } = document as unknown as CronRow & Record<string, Value>;
  return { id: document._id, row: { name, scheduleJson, anchorMs, nextRunMs } };
}
