// What the watchdog's two threads share.

/** Places in the shared cells. */
export const CELLS = { beat: 0, pauses: 1, stopped: 2, callBytes: 3 } as const;
export const CELL_COUNT = 4;
/** Of the name of the call that runs, UTF-8. */
export const CALL_BYTES_MAX = 1_200;

export interface WatchdogWork {
  readonly cells: Int32Array<SharedArrayBuffer>;
  /** The name of the call that runs; `callBytes` says how much of it. */
  readonly call: Uint8Array<SharedArrayBuffer>;
  readonly limitMs: number;
  readonly stepMs: number;
  readonly noteFile: string;
}

/** What is left for the next start. */
export interface WatchdogNote {
  readonly message: string;
  /** The query or mutation that ran, as it was told to `Watchdog.begin`; null: none did. */
  readonly call: string | null;
}
