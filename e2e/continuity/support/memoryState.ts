import type { Arm, ContinuityState, CopyRun, DirectionState, SeatState } from "../../../src/continuity/index.ts";

/** What the relay remembers, in memory, and how it is lost: the store of a process that ends at the wrong moment. */
export interface MemoryState extends ContinuityState, SeatState {
  /** So many next cursors are not stored: the process ends between apply and cursor. */
  failSaves(times: number): void;
  /** Goes back to where the direction stood so many stored cursors before. */
  goBack(from: Arm, saves: number): void;
}

export function memoryState(): MemoryState {
  const history = new Map<Arm, DirectionState[]>();
  const copied = new Set<string>();
  const runs = new Map<Arm, CopyRun>();
  let failing = 0;
  const ofArm = (from: Arm): DirectionState[] => {
    const known = history.get(from) ?? [{ cursor: 0, isWhole: false }];
    history.set(from, known);
    return known;
  };
  return {
    direction: (from) => ofArm(from).at(-1) as DirectionState,
    saveDirection(from, state) {
      if (failing > 0) {
        failing -= 1;
        throw new Error("ended between apply and cursor");
      }
      ofArm(from).push(state);
    },
    failSaves: (times) => void (failing = times),
    // The first two are the beginning and the place where this run began.
    goBack: (from, saves) => void ofArm(from).splice(Math.max(2, ofArm(from).length - saves)),
    isCopied: (subject, from) => copied.has(`${from} ${subject}`),
    markCopied: (subject, from) => void copied.add(`${from} ${subject}`),
    copyRun: (from) => runs.get(from) ?? null,
    saveCopyRun: (run) => void runs.set(run.from, run),
    endCopyRun: (from) => void runs.delete(from),
    seat: () => "control",
    saveSeat: () => undefined,
    guests: () => new Map(),
    close: () => undefined,
  };
}
