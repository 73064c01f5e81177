const MIB = 1_048_576;

/** Bounds of the cassette (shadow K3, K5). */
export interface CassetteLimits {
  /** All recordings together, with what it costs to keep them. */
  readonly bytesMax: number;
  readonly recordingBytesMax: number;
  readonly ageMs: number;
  /** One request. */
  readonly bodyBytesMax: number;
  /** The requests that are being read, together. */
  readonly bodiesBytesMax: number;
  /** How long a replay waits for a recording that has not begun. */
  readonly waitMs: number;
  /** How long it waits for the one of its own request when another request's would do. */
  readonly ownWaitMs: number;
  readonly waitingMax: number;
  readonly missesMax: number;
  /** Pairs of key and request id whose calls are numbered. */
  readonly occurrencesMax: number;
  /** Of each listener. */
  readonly connectionsMax: number;
  /** What runs when the cassette closes may go on for so long: a restart takes no longer than a second (K1). */
  readonly drainMs: number;
}

export const CASSETTE_LIMITS: CassetteLimits = {
  bytesMax: 256 * MIB,
  recordingBytesMax: 16 * MIB,
  ageMs: 600_000,
  bodyBytesMax: 8 * MIB,
  bodiesBytesMax: 64 * MIB,
  waitMs: 10_000,
  ownWaitMs: 1_000,
  waitingMax: 256,
  missesMax: 1_000,
  occurrencesMax: 50_000,
  connectionsMax: 2_000,
  drainMs: 500,
};
