// One direction of the relay (handoff §3): reads the feed of one arm, applies to the other, stores the cursor after that.
import type { Arm, Clock } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import {
  CarrierError,
  type ContinuityLog,
  type ContinuityState,
  type Refusal,
  type RelayStatus,
  type RelayStep,
  type StateCarrier,
} from "./ports.ts";
import { tellApplied } from "./tellApplied.ts";

const ROWS_MAX = 1_000;
/** Of one step, so that a stop does not wait for long and an arm that hangs is noticed. */
const STEP_MS_MAX = 60_000;
const PAUSE_MS = 200;
const BACK_OFF_MS = 500;
const BACK_OFF_MS_MAX = 10_000;

export interface RelayOptions {
  readonly from: Arm;
  readonly carrier: Pick<StateCarrier, "relay" | "end">;
  readonly state: ContinuityState;
  readonly clock: Clock;
  readonly metrics: RelayMetrics;
  readonly log: ContinuityLog;
  /** The feed has lost what is behind the cursor: subjects must be copied. */
  readonly onLost: () => void;
}

export type RelayMetrics = Pick<Metrics, "relayLag" | "relaySteps" | "relayRows" | "relayConflicts" | "relayFailures">;

export interface Relay {
  readonly status: RelayStatus;
  start(): void;
  /** Ends the step under way. */
  stop(): Promise<void>;
}

export function createRelay(options: RelayOptions): Relay {
  return new RelayLoop(options);
}

class RelayLoop implements Relay {
  readonly #options: RelayOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #cancelPause: (() => void) | null = null;
  /** When the newest step began that found the end of the feed. */
  #caughtUpMs: number | null = null;
  #startedMs = 0;
  #conflicts = 0;
  #failures = 0;
  #failure: string | null = null;
  #blockedBy: Refusal | null = null;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  get status(): RelayStatus {
    const { from, state, clock } = this.#options;
    const { cursor, isWhole } = state.direction(from);
    const lagMs = this.#caughtUpMs === null ? null : clock.monotonic() - this.#caughtUpMs;
    const [conflicts, blockedBy, failure] = [this.#conflicts, this.#blockedBy, this.#failure];
    return { from, cursor, isWhole, lagMs, conflicts, blockedBy, failure };
  }

  start(): void {
    this.#startedMs = this.#options.clock.monotonic();
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#cancelPause?.();
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const pauseMs = await this.#step();
      this.#options.metrics.relayLag.set(
        { from: this.#options.from },
        (this.status.lagMs ?? this.#options.clock.monotonic() - this.#startedMs) / 1_000,
      );
      if (pauseMs > 0 && !this.#stopped.signal.aborted) await this.#pause(pauseMs);
    }
  }

  /** Gives how long to wait for the next one, ms. */
  async #step(): Promise<number> {
    const { from, carrier, state, clock, metrics } = this.#options;
    const sinceMs = clock.monotonic();
    const before = state.direction(from);
    const limit = new AbortController();
    const cancel = clock.after(STEP_MS_MAX, () => limit.abort(new Error(`took more than ${STEP_MS_MAX / 1_000} s`)));
    try {
      const step = await carrier.relay(
        from,
        before.cursor,
        ROWS_MAX,
        AbortSignal.any([limit.signal, this.#stopped.signal]),
      );
      const isAtEnd = !step.hasMore;
      const isWhole = before.isWhole || (isAtEnd && state.copyRun(from) === null);
      if (step.cursor !== before.cursor || isWhole !== before.isWhole)
        state.saveDirection(from, { cursor: step.cursor, isWhole });
      tellApplied(this.#options, from, step);
      this.#conflicts += step.conflicts.length;
      if (isAtEnd) this.#caughtUpMs = sinceMs;
      this.#wentWell(step);
      return isAtEnd || step.blockedBy !== null ? PAUSE_MS : 0;
    } catch (error) {
      return this.#stopped.signal.aborted ? 0 : await this.#failed(error);
    } finally {
      cancel();
      metrics.relaySteps.observe({ from }, (clock.monotonic() - sinceMs) / 1_000);
    }
  }

  #wentWell({ blockedBy }: RelayStep): void {
    const { from, log } = this.#options;
    if (this.#failures > 0) log.event("relay.back", { from, failures: this.#failures });
    this.#failures = 0;
    this.#failure = null;
    this.#blockedBy = blockedBy;
  }

  async #failed(error: unknown): Promise<number> {
    const { from, metrics, log } = this.#options;
    const fault = error instanceof CarrierError ? error.fault : "unavailable";
    this.#failure = error instanceof Error ? error.message : String(error);
    metrics.relayFailures.inc({ from, fault });
    if (this.#failures === 0 || fault === "expired")
      log.event("relay.failed", { from, fault, error: this.#failure }, "warn");
    this.#failures += 1;
    if (fault === "expired") await this.#lost();
    return Math.min(BACK_OFF_MS * 2 ** (this.#failures - 1), BACK_OFF_MS_MAX) * (0.5 + Math.random() / 2);
  }

  /** Goes on from the present end; what lies between comes by copies of the subjects. */
  async #lost(): Promise<void> {
    const { from, carrier, state, clock, onLost } = this.#options;
    try {
      const cursor = await carrier.end(from, this.#stopped.signal);
      // First: without a run that stands there, the next step would take the direction for whole.
      state.saveCopyRun({ from, startedAtMs: clock.now(), through: null, done: 0 });
      state.saveDirection(from, { cursor, isWhole: false });
      onLost();
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#cancelPause = this.#options.clock.after(ms, resolve);
    });
  }
}
