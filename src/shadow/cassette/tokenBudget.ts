// What shadow targets may spend of live models (shadow W6): tokens of the last hour, by minutes.
import type { Clock } from "../../kernel/index.ts";

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Says what a call has really spent, once; without it the estimate stays. */
export type Settle = (tokens: number) => void;

export class TokenBudget {
  readonly #clock: Clock;
  readonly #perHour: number;
  /** By minute, the oldest first. */
  readonly #minutes: { readonly at: number; tokens: number }[] = [];

  constructor(clock: Clock, perHour: number) {
    this.#clock = clock;
    this.#perHour = perHour;
  }

  get spent(): number {
    const oldest = this.#now() - MINUTES;
    while ((this.#minutes[0]?.at ?? Infinity) <= oldest) this.#minutes.shift();
    return this.#minutes.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** @param estimate counts until the call has ended, so that calls at once do not each see what is left @returns null: it is spent */
  take(estimate: number): Settle | null {
    if (this.spent + estimate > this.#perHour) return null;
    const at = this.#now();
    const last = this.#minutes.at(-1);
    const minute = last?.at === at ? last : { at, tokens: 0 };
    if (minute !== last) this.#minutes.push(minute);
    minute.tokens += estimate;
    let counted = estimate;
    return (tokens) => {
      minute.tokens += tokens - counted;
      counted = tokens;
    };
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic() / MINUTE_MS);
  }
}
