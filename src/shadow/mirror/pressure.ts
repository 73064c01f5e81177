// Under pressure the shadow yields first (shadow I12): its effective rate halves with every look,
// one each ten seconds, and comes back the same way.

/** What the serving process looks like over the last ten seconds. */
export interface Load {
  readonly eventLoopDelayP99Ms: number;
  readonly inFlight: number;
  readonly inFlightMax: number;
}

/** shadow I12. */
const DELAY_MS_MAX = 20;
const IN_FLIGHT_SHARE_MAX = 0.8;
/** Halved further there is nothing left to shed. */
const HALVINGS_MAX = 10;

export const isUnderPressure = (
  { eventLoopDelayP99Ms, inFlight, inFlightMax }: Load,
  delayMsMax: number = DELAY_MS_MAX,
): boolean => eventLoopDelayP99Ms > delayMsMax || inFlight > IN_FLIGHT_SHARE_MAX * inFlightMax;

export class Pressure {
  #halvings = 0;

  /** Share of the sampled that is mirrored now. */
  get share(): number {
    return 2 ** -this.#halvings;
  }

  /** @param delayMsMax as the operator wants it */
  look(load: Load, delayMsMax: number = DELAY_MS_MAX): void {
    this.#halvings = isUnderPressure(load, delayMsMax)
      ? Math.min(HALVINGS_MAX, this.#halvings + 1)
      : Math.max(0, this.#halvings - 1);
  }

  /** What is left of a rate: by group, so that a group is mirrored whole or not at all (shadow S1). */
  ratePercent(configured: number): number {
    return configured * this.share;
  }
}
