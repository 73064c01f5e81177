// Which function runs: kept by AsyncLocalStorage, so that syscalls find it wherever the handler's awaits have led.
import { AsyncLocalStorage } from "node:async_hooks";
import { inspect, types } from "node:util";
import type { FunctionHost } from "./functionHost.ts";
import type { Transaction } from "./ports.ts";
import type { TransactionWork } from "./transactionWork.ts";
import type { RealmHooks } from "./vmRealm.ts";
import type { FunctionAddress, FunctionKind, Identity } from "./words.ts";

export type FrameKind = FunctionKind | "http";

/** One call from outside, one job or one run of a cron, with all that it calls. */
export interface CallTree {
  readonly host: FunctionHost;
  /** 16 hex digits; in every error message. */
  readonly requestId: string;
  readonly logLines: string[];
  /** The row of `_scheduled_functions` that it runs for, and the component whose table that is in. */
  readonly job: { readonly component: string; readonly id: string } | null;
  hasReadIdentity: boolean;
  /** The first of two runs of the determinism check: nothing of it is told. */
  readonly isRehearsal: boolean;
}

export interface FrameSettings {
  readonly tree: CallTree;
  readonly kind: FrameKind;
  readonly address: FunctionAddress;
  /** Of the caller; null beyond the component it called. */
  readonly identity: Identity | null;
  /** Whether the identity is the caller's: not in components, where nobody is known. */
  readonly isCallerKnown: boolean;
  /** null for actions. */
  readonly work: TransactionWork | null;
  /** The work's, or what it began with for a stale snapshot; null for actions. */
  readonly transaction: Transaction | null;
  /** Where the page of a top-level query ended before. */
  readonly journal: string | null;
  /** How many calls are above it. */
  readonly depth: number;
  /** Called by another function of the same transaction. */
  readonly isNested: boolean;
}

const LOG_LINES_MAX = 256;
const LOG_LINE_CHARS_MAX = 32_768;
const TIMERS_MAX = 10_000;
const DELAY_MS_MAX = 2 ** 31 - 1;

/** One function while it runs. */
export class Frame {
  readonly tree: CallTree;
  readonly kind: FrameKind;
  readonly address: FunctionAddress;
  readonly identity: Identity | null;
  readonly isCallerKnown: boolean;
  readonly work: TransactionWork | null;
  readonly transaction: Transaction | null;
  readonly depth: number;
  readonly isNested: boolean;
  readonly journal: string | null;
  /** Where its page ended; null without one. */
  nextJournal: string | null = null;
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #nextTimer = 1;
  #inFlight = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #pages = 0;
  #isOver = false;

  constructor(settings: FrameSettings) {
    this.tree = settings.tree;
    this.kind = settings.kind;
    this.address = settings.address;
    this.identity = settings.identity;
    this.isCallerKnown = settings.isCallerKnown;
    this.work = settings.work;
    this.transaction = settings.transaction;
    this.depth = settings.depth;
    this.isNested = settings.isNested;
    this.journal = settings.journal;
  }

  get isOver(): boolean {
    return this.#isOver || this.work?.isOver === true;
  }

  /** Runs `operation` after those begun before it: at once when none is under way. */
  inOrder<T>(operation: () => T | Promise<T>): T | Promise<T> {
    if (this.#inFlight > 0) return this.#track(this.#tail.then(operation));
    const result = operation();
    return result instanceof Promise ? this.#track(result) : result;
  }

  /** Runs `operation` beside the others: actions. The frame does not end before it. */
  atOnce<T>(operation: () => T | Promise<T>): T | Promise<T> {
    const result = operation();
    return result instanceof Promise ? this.#track(result) : result;
  }

  #track<T>(operation: Promise<T>): Promise<T> {
    this.#inFlight += 1;
    const done = operation.finally(() => {
      this.#inFlight -= 1;
    });
    this.#tail = Promise.allSettled([this.#tail, done]);
    return done;
  }

  /** @throws Error at the second page of one function */
  countPage(): void {
    this.#pages += 1;
    if (this.#pages > 1)
      throw new Error(`${this.address.path} paginates twice: a function may run one paginated query`);
  }

  /** Waits for the operations that the handler began and did not await: they belong to it (embedded-convex §3.2). */
  async drain(): Promise<void> {
    while (this.#inFlight > 0) await this.#tail;
  }

  /** No operation may begin any more. */
  end(): void {
    this.#isOver = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** A timer of an action; it ends with the action. What its callback throws is logged. @throws Error beyond 10,000 */
  setTimer(callback: () => void, delayMs: number, isRepeated: boolean): number {
    if (this.#timers.size >= TIMERS_MAX) throw new Error(`An action may have ${TIMERS_MAX} timers at a time`);
    const id = this.#nextTimer;
    this.#nextTimer += 1;
    const fire = () => {
      if (!isRepeated) this.#timers.delete(id);
      try {
        callback();
      } catch (error) {
        this.log("ERROR", [error]);
      }
    };
    const delay = Math.min(Math.max(0, delayMs || 0), DELAY_MS_MAX);
    this.#timers.set(id, isRepeated ? setInterval(fire, delay) : setTimeout(fire, delay));
    return id;
  }

  clearTimer(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  /** A line as the official clients print it: "[LEVEL] values". Beyond 256 lines one says that the rest is missing. */
  log(level: string, values: readonly unknown[]): void {
    const { logLines, host } = this.tree;
    if (logLines.length > LOG_LINES_MAX) return;
    const text = values.map((value) => this.#show(value)).join(" ");
    const line =
      logLines.length === LOG_LINES_MAX
        ? `[WARN] 'more than ${LOG_LINES_MAX} log lines: the rest is left out'`
        : `[${level}] ${text.length > LOG_LINE_CHARS_MAX ? `${text.slice(0, LOG_LINE_CHARS_MAX)}…` : text}`;
    logLines.push(line);
    if (!this.tree.isRehearsal) host.log("function.log", { ...this.address, requestId: this.tree.requestId, line });
  }

  #show(value: unknown): string {
    if (!types.isNativeError(value)) return inspect(value, INSPECT);
    const frames = this.tree.host.mapStack(String(value.stack));
    return [`${value.name}: ${value.message}`, ...frames].join("\n");
  }
}

/** What a realm reports while its modules load, and outside of functions. */
export type StrayLog = (level: string, text: string) => void;

const INSPECT = { depth: 6, maxArrayLength: 100, maxStringLength: 10_000, breakLength: Number.POSITIVE_INFINITY };

const storage = new AsyncLocalStorage<Frame>();

/** The function that runs here; undefined outside of all. */
export function currentFrame(): Frame | undefined {
  return storage.getStore();
}

/** Runs `body`, and all it leads to, as `frame`. */
export function runInFrame<T>(frame: Frame, body: () => T): T {
  return storage.run(frame, body);
}

/** What the realm asks about the function that runs. `clock` gives epoch ms; `log` hears what no function says. */
export function createRealmHooks(options: { readonly clock: () => number; readonly log: StrayLog }): RealmHooks {
  const { clock } = options;
  const acting = (what: string): Frame => {
    const frame = storage.getStore();
    if (frame === undefined) throw new Error(`${what} is not available while modules load; use it in an action`);
    if (frame.work !== null) {
      throw new Error(
        `${what} is not available in queries and mutations; use an action (${frame.address.path} is a ${frame.kind})`,
      );
    }
    if (frame.isOver) throw new Error(`${what}: ${frame.address.path} has already ended`);
    return frame;
  };
  return {
    nowMs: () => storage.getStore()?.work?.transaction.nowMs ?? clock(),
    seededBytes: (count) => storage.getStore()?.work?.seededBytes(count) ?? null,
    requireAction: (what) => void acting(what),
    log(level, values) {
      const frame = storage.getStore();
      if (frame !== undefined) frame.log(level, values);
      else options.log(level, values.map((value) => inspect(value, INSPECT)).join(" "));
    },
    setTimer: (callback, delayMs, isRepeated) => acting("a timer").setTimer(callback, delayMs, isRepeated),
    clearTimer: (id) => storage.getStore()?.clearTimer(id),
    component: () => storage.getStore()?.address.component ?? "",
  };
}
