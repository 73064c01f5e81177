// The shadow's two threads (shadow I5, I13): started, watched, and started again when one dies, with the line between them made anew.
import { MessageChannel, Worker } from "node:worker_threads";
import type { Clock } from "../../kernel/index.ts";
import type { FromCompare, FromMirror, ToCompare, ToMirror } from "../threads/messages.ts";

export const THREADS = ["mirror", "compare"] as const;
export type ThreadName = (typeof THREADS)[number];

export interface ThreadsOptions {
  readonly clock: Clock;
  /** Runs either of them, by `workerData.thread`. */
  readonly entry: URL;
  /** Of the compare thread. */
  readonly data: { readonly file: string; readonly process: string; readonly printKey: Uint8Array };
  onMirror(message: FromMirror): void;
  onCompare(message: FromCompare): void;
  /** Its settings must be sent again. */
  onStarted(thread: ThreadName): void;
  onDied(thread: ThreadName): void;
}

/** shadow I13. */
const RESTART_FIRST_MS = 1_000;
const RESTART_MAX_MS = 30_000;
/** One that ran so long was no early death. */
const STEADY_MS = 60_000;
const HEAP_MB = { mirror: 192, compare: 512 };

interface Running {
  readonly worker: Worker;
  readonly sinceMs: number;
}

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #running = new Map<ThreadName, Running>();
  readonly #restartMs = { mirror: RESTART_FIRST_MS, compare: RESTART_FIRST_MS };
  readonly #cancel = new Map<ThreadName, () => void>();
  readonly #stopped = { mirror: Promise.withResolvers<void>(), compare: Promise.withResolvers<void>() };
  #isStopping = false;

  constructor(options: ThreadsOptions) {
    this.#options = options;
  }

  start(): void {
    for (const thread of THREADS) this.#start(thread);
  }

  get areRunning(): boolean {
    return THREADS.every((thread) => this.#running.has(thread));
  }

  toMirror(message: ToMirror, transfer: readonly ArrayBuffer[] = []): void {
    this.#running.get("mirror")?.worker.postMessage(message, [...transfer]);
  }

  toCompare(message: ToCompare, transfer: readonly ArrayBuffer[] = []): void {
    this.#running.get("compare")?.worker.postMessage(message, [...transfer]);
  }

  /** Resolves when both have said that they are done, or when `capMs` is over. */
  async stop(capMs: number): Promise<void> {
    this.#isStopping = true;
    for (const cancel of this.#cancel.values()) cancel();
    const { clock } = this.#options;
    const stopOne = async (thread: ThreadName): Promise<void> => {
      const running = this.#running.get(thread);
      if (running === undefined) return;
      running.worker.postMessage({ type: "stop" });
      await Promise.race([this.#stopped[thread].promise, new Promise<void>((done) => void clock.after(capMs, done))]);
      await running.worker.terminate();
    };
    // What is under way ends first: the compare thread waits for it.
    await stopOne("mirror");
    await stopOne("compare");
  }

  #start(thread: ThreadName): void {
    const { clock, entry, data, onMirror, onCompare, onStarted } = this.#options;
    const worker = new Worker(entry, {
      workerData: { thread, ...data },
      name: `shadow-${thread}`,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB[thread] },
      stdin: false,
    });
    worker.unref();
    const running = { worker, sinceMs: clock.monotonic() };
    this.#running.set(thread, running);
    worker.on("message", (message: FromMirror | FromCompare) => {
      if (message.type === "stopped") this.#stopped[thread].resolve();
      else if (thread === "mirror") onMirror(message as FromMirror);
      else onCompare(message as FromCompare);
    });
    // The error is the thread's end; its text may hold what was compared.
    worker.on("error", () => {});
    worker.on("exit", () => this.#exited(thread, running));
    this.#connect();
    onStarted(thread);
  }

  /** A new line between the two whenever one of them is new. */
  #connect(): void {
    if (!this.areRunning) return;
    const { port1, port2 } = new MessageChannel();
    this.#running.get("mirror")?.worker.postMessage({ type: "peer", port: port1 }, [port1]);
    this.#running.get("compare")?.worker.postMessage({ type: "peer", port: port2 }, [port2]);
  }

  #exited(thread: ThreadName, running: Running): void {
    if (this.#running.get(thread) !== running) return;
    this.#running.delete(thread);
    this.#stopped[thread].resolve();
    if (this.#isStopping) return;
    this.#options.onDied(thread);
    const { clock } = this.#options;
    if (clock.monotonic() - running.sinceMs > STEADY_MS) this.#restartMs[thread] = RESTART_FIRST_MS;
    const delayMs = this.#restartMs[thread];
    this.#restartMs[thread] = Math.min(RESTART_MAX_MS, delayMs * 2);
    this.#cancel.set(
      thread,
      clock.after(delayMs, () => this.#start(thread)),
    );
  }
}
