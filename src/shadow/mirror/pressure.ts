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

export const isUnderPressure = ({ eventLoopDelayP99Ms, inFlight, inFlightMax }: Load): boolean =>
  eventLoopDelayP99Ms > DELAY_MS_MAX || inFlight > IN_FLIGHT_SHARE_MAX * inFlightMax;

export class Pressure {
  #halvings = 0;
  #turn = 0;

  /** Share of the sampled that is mirrored now. */
  get share(): number {
    return 2 ** -this.#halvings;
  }

  look(load: Load): void {
    this.#halvings = isUnderPressure(load)
      ? Math.min(HALVINGS_MAX, this.#halvings + 1)
      : Math.max(0, this.#halvings - 1);
  }

  /** Whether the next sampled group's exchange is shed; evenly, one in two, three in four, … */
  sheds(): boolean {
    if (this.#halvings === 0) return false;
    this.#turn = (this.#turn + 1) % 2 ** this.#halvings;
    return this.#turn !== 0;
  }
}
