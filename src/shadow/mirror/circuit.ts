// Stops copies to a target that fails (shadow I8), one try after a while; the health of a target is told once per change.

export type CircuitState = "closed" | "open" | "trying";

export interface CircuitOptions {
  /** Monotonic ms. */
  readonly now: () => number;
  /** Once on opening, once on closing. */
  onChange(state: "closed" | "open"): void;
}

/** shadow I8. */
const WINDOW_MS = 10_000;
const CALLS_MIN = 20;
const FAILED_SHARE = 0.5;
const REST_MS = 15_000;
/** The window moves in steps, so that counting costs nothing. */
const STEPS = 10;

interface Step {
  readonly sinceMs: number;
  calls: number;
  failed: number;
}

export class Circuit {
  readonly #options: CircuitOptions;
  #state: CircuitState = "closed";
  #steps: Step[] = [];
  #retryAtMs = 0;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** Whether a copy may leave now; of an open circuit's time one may, as a try. */
  mayPass(): boolean {
    if (this.#state === "closed") return true;
    if (this.#state === "trying" || this.#options.now() < this.#retryAtMs) return false;
    this.#state = "trying";
    return true;
  }

  /** To be called for every copy that was let through, however it ended. */
  report(isFailed: boolean): void {
    if (this.#state === "trying") {
      if (isFailed) this.#open();
      else this.#close();
      return;
    }
    if (this.#state === "open") return; // one that had left before
    const step = this.#step();
    step.calls += 1;
    step.failed += isFailed ? 1 : 0;
    const calls = this.#steps.reduce((sum, one) => sum + one.calls, 0);
    const failed = this.#steps.reduce((sum, one) => sum + one.failed, 0);
    if (calls < CALLS_MIN || failed < FAILED_SHARE * calls) return;
    this.#open();
    this.#options.onChange("open");
  }

  /** The try was never sent. */
  abandonTry(): void {
    if (this.#state === "trying") this.#state = "open";
  }

  #step(): Step {
    const nowMs = this.#options.now();
    this.#steps = this.#steps.filter(({ sinceMs }) => nowMs - sinceMs < WINDOW_MS);
    const last = this.#steps.at(-1);
    if (last !== undefined && nowMs - last.sinceMs < WINDOW_MS / STEPS) return last;
    const step = { sinceMs: nowMs, calls: 0, failed: 0 };
    this.#steps.push(step);
    return step;
  }

  #open(): void {
    this.#state = "open";
    this.#steps = [];
    this.#retryAtMs = this.#options.now() + REST_MS;
  }

  #close(): void {
    this.#state = "closed";
    this.#options.onChange("closed");
  }
}
