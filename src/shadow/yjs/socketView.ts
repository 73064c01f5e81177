// One socket's view of a document on both arms.
import { type Arm, ARMS } from "../../kernel/index.ts";
import type { DocumentVerdict } from "./checkDocuments.ts";
import { DocumentTrack } from "./documentTrack.ts";
import type { LegCount } from "./ladder.ts";
import type { TrackLimits } from "./limits.ts";

/** C4: a shadow is at most so far behind; what came less before a leave need not have arrived on both arms. */
const UNDER_WAY_MS = 5_000;

type LegState = "awaited" | "open" | "left";

const newCounts = (): Record<Arm, LegCount> => ({
  control: { frames: 0, bytes: 0 },
  candidate: { frames: 0, bytes: 0 },
});

export class SocketView {
  readonly tracks: Readonly<Record<Arm, DocumentTrack>>;
  readonly #legs: Record<Arm, LegState> = { control: "awaited", candidate: "awaited" };
  #counts = newCounts();
  #verdict: DocumentVerdict | null = null;
  #isCut = false;
  #isSaid = false;

  constructor(limits: TrackLimits) {
    this.tracks = { control: new DocumentTrack(limits), candidate: new DocumentTrack(limits) };
  }

  join(arm: Arm): void {
    this.#legs[arm] = "open";
  }

  /** @param quietMs since the document's newest frame */
  leave(arm: Arm, quietMs: number): void {
    if (!this.#hasLegs("left")) {
      this.#isCut = quietMs < UNDER_WAY_MS;
      // From here on the other leg may be sent what this one would have been sent.
      this.#isSaid = this.#verdict !== null;
    }
    this.#legs[arm] = "left";
  }

  /** A frame came. Gives what has come on this leg since the newest check, with it. */
  count(arm: Arm, bytes: number): LegCount {
    const { frames, bytes: before } = this.#counts[arm];
    return (this.#counts[arm] = { frames: frames + 1, bytes: before + bytes });
  }

  resetCounts(): void {
    this.#counts = newCounts();
  }

  isOpen(arm: Arm): boolean {
    return this.#legs[arm] === "open";
  }

  #hasLegs(state: LegState): boolean {
    return ARMS.some((arm) => this.#legs[arm] === state);
  }

  /** A socket that one arm alone has is no view to compare: its handshake is. */
  get isPaired(): boolean {
    return !this.#hasLegs("awaited");
  }

  get isGone(): boolean {
    return !this.#hasLegs("open");
  }

  /** What differs may have been under way when it left. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Nothing more can be said of it. */
  end(): void {
    this.#isSaid = true;
  }

  /** It was found to be the same when it left, or ended. */
  get isSaid(): boolean {
    return this.#isSaid;
  }

  /** Of a check since which nothing came; null: to be checked. */
  get verdict(): DocumentVerdict | null {
    return this.#verdict;
  }

  set verdict(verdict: DocumentVerdict | null) {
    this.#verdict = verdict?.name === "lagging" || verdict?.name === "different" ? null : verdict;
  }
}
