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
  readonly data: {
    readonly file: string;
    readonly process: string;
    readonly printKey: Uint8Array;
    readonly storeUrl: string | null;
    readonly bodies: { readonly key: Uint8Array; readonly bytesMax: number } | null;
  };
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
/** What passes through lives for milliseconds: with the usual few megabytes it was collected, on all cores, while it was still in use. */
const YOUNG_MB = 48;
/** Of the time to stop: the rest is the compare thread's, which needs what the mirror thread brings last. */
const MIRROR_SHARE = 0.6;

interface Running {
  readonly worker: Worker;
  readonly sinceMs: number;
  /** It has said that it is done, or is gone. */
  readonly stopped: PromiseWithResolvers<void>;
}

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #running = new Map<ThreadName, Running>();
  readonly #restartMs = { mirror: RESTART_FIRST_MS, compare: RESTART_FIRST_MS };
  readonly #cancel = new Map<ThreadName, () => void>();
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
    const endMs = clock.monotonic() + capMs;
    // What is under way ends first: the compare thread waits for it.
    await this.#stopOne("mirror", capMs * MIRROR_SHARE);
    await this.#stopOne("compare", Math.max(0, endMs - clock.monotonic()));
  }

  async #stopOne(thread: ThreadName, capMs: number): Promise<void> {
    const running = this.#running.get(thread);
    if (running === undefined) return;
    // Nothing else may be left that keeps the process there until it has stored.
    running.worker.ref();
    running.worker.postMessage({ type: "stop" });
    const cap = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(capMs, cap.resolve);
    await Promise.race([running.stopped.promise, cap.promise]);
    cancel();
    await running.worker.terminate();
  }

  #start(thread: ThreadName): void {
    const { clock, onStarted } = this.#options;
    let worker: Worker;
    try {
      worker = this.#worker(thread);
    } catch {
      this.#restart(thread); // no memory, no handles: it is as if it had died
      return;
    }
    worker.unref();
    const running = { worker, sinceMs: clock.monotonic(), stopped: Promise.withResolvers<void>() };
    this.#running.set(thread, running);
    worker.on("message", (message: FromMirror | FromCompare) => {
      if (message.type === "stopped") running.stopped.resolve();
      else if (this.#running.get(thread) === running) this.#told(thread, message);
    });
    // The error is the thread's end; its text may hold what was compared.
    worker.on("error", () => {});
    worker.on("exit", () => this.#exited(thread, running));
    this.#connect();
    onStarted(thread);
  }

  #told(thread: ThreadName, message: FromMirror | FromCompare): void {
    if (thread === "mirror") this.#options.onMirror(message as FromMirror);
    else this.#options.onCompare(message as FromCompare);
  }

  #worker(thread: ThreadName): Worker {
    const { entry, data } = this.#options;
    return new Worker(entry, {
      workerData: { thread, ...data },
      name: `shadow-${thread}`,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB[thread], maxYoungGenerationSizeMb: YOUNG_MB },
      stdin: false,
    });
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
    running.stopped.resolve();
    if (this.#isStopping) return;
    this.#options.onDied(thread);
    const { clock } = this.#options;
    if (clock.monotonic() - running.sinceMs > STEADY_MS) this.#restartMs[thread] = RESTART_FIRST_MS;
    this.#restart(thread);
  }

  #restart(thread: ThreadName): void {
    const delayMs = this.#restartMs[thread];
    this.#restartMs[thread] = Math.min(RESTART_MAX_MS, delayMs * 2);
    const start = (): void => this.#start(thread);
    this.#cancel.set(thread, this.#options.clock.after(delayMs, start));
  }
}
