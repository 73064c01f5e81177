// Of each route of a campaign: how much of it differs for certain, and how often control differs from itself (shadow §15).
import type { RouteId } from "../../kernel/index.ts";
import type { RepeatOutcome } from "../judgement.ts";

interface Counted {
  compared: number;
  confirmed: number;
  repeats: number;
  noisy: number;
}

export interface RouteRatio {
  readonly route: RouteId;
  /** Exchanges that differ in a confirmed family, by all that were compared. */
  readonly confirmed: number;
  /** null: control was never asked twice. */
  readonly noiseFloor: number | null;
}

export class RouteRatios {
  readonly #routes = new Map<RouteId, Counted>();

  judged(route: RouteId, isCompared: boolean, isConfirmed: boolean): void {
    if (!isCompared) return;
    const counted = this.#of(route);
    counted.compared += 1;
    counted.confirmed += isConfirmed ? 1 : 0;
  }

  repeated(route: RouteId, outcome: RepeatOutcome): void {
    if (outcome === "not_compared") return;
    const counted = this.#of(route);
    counted.repeats += 1;
    counted.noisy += outcome === "different" ? 1 : 0;
  }

  get all(): readonly RouteRatio[] {
    return [...this.#routes].map(([route, { compared, confirmed, repeats, noisy }]) => ({
      route,
      confirmed: compared === 0 ? 0 : confirmed / compared,
      noiseFloor: repeats === 0 ? null : noisy / repeats,
    }));
  }

  /** Routes are those of the configuration: they bound it. */
  #of(route: RouteId): Counted {
    let counted = this.#routes.get(route);
    if (counted === undefined) {
      counted = { compared: 0, confirmed: 0, repeats: 0, noisy: 0 };
      this.#routes.set(route, counted);
    }
    return counted;
  }
}
