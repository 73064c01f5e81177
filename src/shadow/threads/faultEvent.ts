// Something that fails again and again is told of once a minute, and with how often it was: by name, for texts of errors may hold
// what was compared.
import type { Clock } from "../../kernel/index.ts";
import type { ThreadEvent } from "./messages.ts";

const QUIET_MS = 60_000;

export class FaultEvent {
  readonly #clock: Clock;
  readonly #event: string;
  readonly #tell: (event: ThreadEvent) => void;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(clock: Clock, event: string, tell: (event: ThreadEvent) => void) {
    this.#clock = clock;
    this.#event = event;
    this.#tell = tell;
  }

  tell(error: unknown): void {
    this.#count += 1;
    if (this.#clock.monotonic() - this.#toldAtMs < QUIET_MS) return;
    this.#toldAtMs = this.#clock.monotonic();
    const fields = { error: error instanceof Error ? error.name : "unknown", count: this.#count };
    this.#count = 0;
    this.#tell({ type: "event", event: this.#event, level: "warn", fields });
  }
}
