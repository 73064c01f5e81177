// What the watchdog's two threads share.

/** Places in the shared cells. */
export const CELLS = { beat: 0, pauses: 1, stopped: 2 } as const;
export const CELL_COUNT = 3;

export interface WatchdogWork {
  readonly cells: Int32Array<SharedArrayBuffer>;
  readonly limitMs: number;
  readonly stepMs: number;
  readonly noteFile: string;
}
