// Stops copies to a target that fails (shadow I8), one try after a while; the health of a target is told once per change.

export type CircuitState = "closed" | "open" | "trying";

export interface CircuitOptions {
  /** Monotonic ms. */
  readonly now: () => number;
  /** Whenever it may let pass more or less than before. */
  onChange(state: CircuitState, before: CircuitState): void;
}

/** shadow I8. */
const WINDOW_MS = 10_000;
const CALLS_MIN = 20;
const FAILED_SHARE = 0.5;
const REST_MS = 15_000;
/** The longest that a copy may take. */
const TRY_MS = 30_000;
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
  #attempt = 0;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** For so long nothing passes any more; 0: everything may, or one as a try. */
  get restMs(): number {
    return this.#state === "closed" ? 0 : Math.max(0, this.#retryAtMs - this.#options.now());
  }

  /** Lets a copy leave: null if not. What is given must be called with how it ended. Of an open circuit's time one may, as a try. */
  pass(): ((isFailed: boolean) => void) | null {
    const nowMs = this.#options.now();
    if (this.#state === "closed") return (isFailed) => this.#count(isFailed);
    // A try of which nothing is heard is over one day too.
    if (nowMs < this.#retryAtMs) return null;
    this.#retryAtMs = nowMs + TRY_MS;
    this.#become("trying");
    const attempt = ++this.#attempt;
    return (isFailed) => {
      if (attempt !== this.#attempt || this.#state !== "trying") return;
      if (isFailed) this.#open();
      else this.#become("closed");
    };
  }

  #count(isFailed: boolean): void {
    if (this.#state !== "closed") return; // one that had left before
    const step = this.#step();
    step.calls += 1;
    step.failed += isFailed ? 1 : 0;
    const calls = this.#steps.reduce((sum, one) => sum + one.calls, 0);
    const failed = this.#steps.reduce((sum, one) => sum + one.failed, 0);
    if (calls < CALLS_MIN || failed < FAILED_SHARE * calls) return;
    this.#open();
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
    this.#steps = [];
    this.#retryAtMs = this.#options.now() + REST_MS;
    this.#become("open");
  }

  #become(state: CircuitState): void {
    const before = this.#state;
    this.#state = state;
    this.#options.onChange(state, before);
  }
}
