// Every bound of this folder that an operator or a test may want otherwise.

/** shadow Y3; `newBytes`: what may come on top before a check, `ranges`: of the clocks, so that hostile ones need no memory. */
export interface TrackLimits {
  readonly pendingStructs: number;
  readonly documentBytes: number;
  readonly newBytes: number;
  readonly ranges: number;
}

export const TRACK_LIMITS: TrackLimits = {
  pendingStructs: 10_000,
  documentBytes: 32 * 1_048_576,
  newBytes: 8 * 1_048_576,
  ranges: 200_000,
};

export interface PairLimits extends TrackLimits {
  readonly sockets: number;
  /** Of all views together. */
  readonly bytes: number;
}

export const PAIR_LIMITS: PairLimits = { ...TRACK_LIMITS, sockets: 64, bytes: 128 * 1_048_576 };

export interface DocumentsLimits {
  readonly documents: number;
  /** Of all of them together. */
  readonly bytes: number;
}

export const DOCUMENTS_LIMITS: DocumentsLimits = { documents: 5_000, bytes: 256 * 1_048_576 };
