// The composition of the embedded host (Convex-compatible): one data directory, one folder of functions, one address.
import { mkdirSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemTimers } from "./alarm.ts";
import { type CallGuard, createCallGuard } from "./callGuard.ts";
import { createCommitQueue } from "./commitQueue.ts";
import { type DataPaths, dataPathsOf } from "./dataDir.ts";
import { createDiskFiles, type DiskFiles } from "./diskFiles.ts";
import { environmentOf } from "./envFile.ts";
import { createAuthFace, createJobFace, createRunnerFace } from "./faces.ts";
import type { HostLog } from "./functionHost.ts";
import { asConfigError, checkCrons, type FunctionSet, loadFunctionSet } from "./functionSet.ts";
import { createFunctionRunner, type Functions } from "./functions.ts";
import { createHttpServer, type HttpServer } from "./httpServer.ts";
import { readAdminKey } from "./jwksAuth.ts";
import { createMetrics } from "./metrics.ts";
import type { ServeOptions } from "./options.ts";
import type { CommitQueue, FunctionRunner } from "./ports.ts";
import { createProcessLock } from "./processLock.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { sleepOn } from "./schedulerPorts.ts";
import { createSqliteStore, type SqliteStore } from "./sqliteStore.ts";
import { watchStrayRejections } from "./strayRejections.ts";
import type { Watchdog } from "./watchdogThread.ts";
import type { WatchdogNote } from "./watchdogWords.ts";
import { createSyncServer, type SyncServer } from "./wsSync.ts";

export interface HostOptions extends Omit<ServeOptions, "command" | "envFile" | "isWatching"> {
  /** The deployment's own variables. */
  readonly variables: Readonly<Record<string, string>>;
  readonly log: HostLog;
  /** Told of long work of the host's own; null: nobody watches. */
  readonly watchdog: Omit<Watchdog, "stop"> | null;
  /** Why the watchdog ended the process before this one; null if it did not. Asked once the directory is ours. */
  readonly takeNote: () => WatchdogNote | null;
}

export interface Host {
  /** Where it listens. */
  readonly url: string;
  /** Loads the functions anew, between transactions. @throws ConfigError; then everything is as before */
  reload(): Promise<void>;
  /** No new calls; what is under way has 10 s (embedded-convex §3.11). */
  stop(): Promise<void>;
}

const NAME = "embedded";
const DRAIN_MS = 10_000;
const BETWEEN_MS_MAX = 30_000;
/** Functions of a former set may still run; so many sets are remembered for what they forgot to await. */
const SETS_KEPT = 4;
const clock = Date.now;
const timers = systemTimers;

/**
 * Starts the host; it serves when this resolves. Nothing stays open when it rejects.
 * @throws ConfigError; DirectoryInUse; what `listen` says when the port is taken
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const data = dataPathsOf(options.dataDir);
  mkdirSync(data.dir, { recursive: true, mode: 0o700 });
  const closers: Closer[] = [];
  const lock = createProcessLock(data.dir);
  closers.push(() => lock.release());
  try {
    const store = createSqliteStore(data.store, { clock });
    closers.push(() => store.close());
    const host = new RunningHost(options, data, store, closers);
    await host.start();
    return host;
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

type Closer = () => unknown;

/** The last opened is closed first. */
async function closeAll(closers: Closer[]): Promise<void> {
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
}

/** The functions that calls meet, and what belongs to them alone. */
interface Current {
  readonly set: FunctionSet;
  readonly functions: Functions;
  readonly sync: SyncServer;
}

class RunningHost implements Host {
  readonly #options: HostOptions;
  readonly #data: DataPaths;
  readonly #store: SqliteStore;
  readonly #closers: Closer[];
  readonly #queue: CommitQueue;
  readonly #adminKey: string;
  readonly #files: DiskFiles;
  readonly #scheduler: Scheduler;
  readonly #server: HttpServer;
  readonly #environment: Record<string, string>;
  readonly #auth = createAuthFace(() => this.#now.set.auth);
  readonly #metrics = createMetrics({
    ready: () => (this.#queue.notReady() === null ? 1 : 0),
    connections: () => this.#now.sync.connections,
    resident_memory_bytes: () => process.memoryUsage.rss(),
    heap_used_bytes: () => process.memoryUsage().heapUsed,
    uptime_seconds: () => process.uptime(),
  });
  readonly #runner: FunctionRunner;
  readonly #sets: FunctionSet[] = [];
  #guard: CallGuard = createCallGuard(null, clock, null);
  #current: Current | null = null;
  #origin: string;
  #url = "";
  #changing: Promise<void> = Promise.resolve();
  #closed: Promise<void> | null = null;
  readonly #calls = new Set<Promise<unknown>>();

  constructor(options: HostOptions, data: DataPaths, store: SqliteStore, closers: Closer[]) {
    const { listen, port, url, variables, log } = options;
    this.#options = options;
    this.#data = data;
    this.#store = store;
    this.#closers = closers;
    this.#queue = createCommitQueue(store, { clock });
    this.#runner = this.#remember(createRunnerFace(() => this.#now.functions, this.#queue, this.#metrics));
    this.#adminKey = readAdminKey(data.dir);
    this.#origin = url ?? `http://${listen}:${port}`;
    this.#environment = environmentOf(variables, this.#origin);
    const components = () => this.#now.set.components;
    this.#files = createDiskFiles({ dir: data.files, queue: this.#queue, clock, components });
    this.#scheduler = createScheduler({
      queue: this.#queue,
      components,
      clock,
      timers,
      log,
      functions: createJobFace(() => this.#now.functions),
      count: (what, labels) => this.#metrics.count(what, labels),
    });
    this.#server = this.#createServer();
  }

  get url(): string {
    return this.#url;
  }

  get #now(): Current {
    if (this.#current === null) throw new Error("the functions are not loaded yet");
    return this.#current;
  }

  async start(): Promise<void> {
    const { listen, port, url, log, takeNote, watchdog } = this.#options;
    const note = takeNote();
    if (note !== null) {
      // The function without its arguments: those may be anybody's words.
      log("host.endedByWatchdog", {
        message: `the last run: ${note.message}`,
        call: note.call?.split(" ", 1)[0] ?? null,
      });
    }
    this.#guard = createCallGuard(note?.call ?? null, clock, watchdog);
    await this.#loadFunctions((apply) => apply());
    this.#closers.push(() => this.#now.sync.close(), this.#watchRejections(), this.#watchCommits());
    const orphans = await this.#files.sweepOrphans();
    if (orphans > 0) log("files.orphansRemoved", { count: orphans });
    const listening = await this.#server.listen(listen, port);
    this.#closers.push(() => this.#close());
    this.#url = listening.url;
    this.#origin = url ?? listening.url;
    Object.assign(this.#environment, environmentOf({}, this.#origin));
    await this.#scheduler.start(this.#now.set.crons, { wasStuck: note !== null });
  }

  reload(): Promise<void> {
    const reloaded = this.#changing.then(async () => {
      try {
        await this.#loadFunctions((apply) => betweenTransactions(this.#store, apply));
        await this.#scheduler.reload(this.#now.set.crons);
        this.#metrics.count("reloads", { result: "success" });
      } catch (error) {
        this.#metrics.count("reloads", { result: "failed" });
        throw error;
      }
    });
    this.#changing = reloaded.catch(() => undefined);
    return reloaded;
  }

  async stop(): Promise<void> {
    this.#now.sync.close();
    const work = Promise.all([this.#scheduler.stop(), this.#changing, ...this.#calls]);
    await Promise.all([this.#close(), Promise.race([work, sleepOn(timers, DRAIN_MS)])]);
    // Behind everything that waits for its turn.
    await this.#queue.run(() => Promise.resolve(null), false).catch(() => undefined);
    await this.#files.settled();
    await closeAll(this.#closers);
  }

  /** Once: it waits for calls under way each time. */
  #close(): Promise<void> {
    this.#closed ??= this.#server.close();
    return this.#closed;
  }

  /** An action over a socket that was closed goes on: it has the same time to end as one over HTTP. */
  #remember(runner: FunctionRunner): FunctionRunner {
    const run: FunctionRunner["run"] = (call) => {
      const outcome = runner.run(call);
      const ended = outcome.catch(() => undefined).finally(() => this.#calls.delete(ended));
      this.#calls.add(ended);
      return outcome;
    };
    return Object.create(runner, { run: { value: run } }) as FunctionRunner;
  }

  /** Everything that can be wrong is found before anything changes. @throws ConfigError */
  async #loadFunctions(when: (apply: () => void) => void | Promise<void>): Promise<void> {
    const { functionsDir, log, isDeterminismChecked } = this.#options;
    try {
      const set = await loadFunctionSet({
        functionsDir,
        clock,
        log,
        adminKey: this.#adminKey,
        environment: this.#environment,
        cacheDir: this.#data.cache,
      });
      const functions = createFunctionRunner({
        realm: set.realm,
        queue: this.#queue,
        store: this.#store,
        files: this.#files,
        auth: this.#auth,
        clock,
        log,
        isDeterminismChecked,
        origin: () => this.#origin,
        guard: this.#guard,
      });
      checkCrons(set.crons, functions);
      await when(() => {
        this.#applySchemas(set);
        this.#use(set, functions);
      });
    } catch (error) {
      throw asConfigError(error);
    }
  }

  #applySchemas(set: FunctionSet): void {
    const { watchdog, log } = this.#options;
    const apply = () => this.#store.applySchemas(set.schemas);
    const warnings = watchdog === null ? apply() : watchdog.pauseDuring(apply);
    for (const warning of warnings) log("schema.warning", { warning });
  }

  #use(set: FunctionSet, functions: Functions): void {
    // Its clients connect again and ask anew: what they were told may come from other code.
    this.#current?.sync.close();
    const sync = createSyncServer({ runner: this.#runner, auth: this.#auth, clock, timers });
    this.#current = { set, functions, sync };
    this.#sets.unshift(set);
    this.#sets.length = Math.min(this.#sets.length, SETS_KEPT);
  }

  #createServer(): HttpServer {
    const { origins, url, log } = this.#options;
    return createHttpServer({
      runner: this.#runner,
      files: this.#files,
      auth: this.#auth,
      name: NAME,
      origins,
      metrics: () => this.#metrics.render(),
      hosts: url === null ? [] : [new URL(url).hostname],
      onSync: (request, socket, head) => this.#now.sync.handle(request, socket, head),
      onError: (error) => log("http.error", { message: error instanceof Error ? error.message : String(error) }),
    });
  }

  #watchRejections(): Closer {
    return watchStrayRejections(
      {
        owns: (promise) => this.#sets.some(({ realm }) => realm.owns(promise)),
        mapStack: (stack) => this.#now.set.realm.mapStack(stack),
      },
      this.#options.log,
    );
  }

  #watchCommits(): Closer {
    return this.#queue.onCommit((_, touched) => {
      this.#metrics.count("commits");
      this.#scheduler.afterCommit(touched);
    });
  }
}

/** Runs `body` when no transaction is open. @throws Error when none ends */
async function betweenTransactions(store: SqliteStore, body: () => void): Promise<void> {
  const untilMs = performance.now() + BETWEEN_MS_MAX;
  while (store.isInTransaction) {
    if (performance.now() > untilMs) throw new Error(`no moment between transactions within ${BETWEEN_MS_MAX} ms`);
    await nextTurn();
  }
  body();
}
