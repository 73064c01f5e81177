// How many copies of a route leave in a minute (shadow W6).
import type { Clock, RouteId } from "../../kernel/index.ts";

const MINUTE_MS = 60_000;

export class Budget {
  readonly #clock: Clock;
  #minute = -1;
  readonly #used = new Map<RouteId, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(route: RouteId, perMinute: number): boolean {
    const minute = Math.floor(this.#clock.monotonic() / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used.clear();
    }
    const used = this.#used.get(route) ?? 0;
    if (used >= perMinute) return false;
    this.#used.set(route, used + 1);
    return true;
  }
}
