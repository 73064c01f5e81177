// Whether a path differs between the arms more often than control differs from itself (shadow §8, layer 4).
import { benjaminiHochberg, mcnemarExact } from "./exactTest.ts";

const ALPHA = 1e-4;
/** Less often than this nobody is asked to look at it. */
export const EFFECT_MIN = 0.0005;

/** One path over the exchanges of one window that have a repeat. */
export interface PathCounts {
  readonly exchanges: number;
  /** Control agreed with its repeat and not with the candidate. */
  readonly onlyArms: number;
  /** Control agreed with the candidate and not with its repeat. */
  readonly onlyItself: number;
}

export interface PathFinding {
  readonly p: number;
  /** Share by which the arms differ more often than control does from itself. */
  readonly effect: number;
  readonly isConfirmed: boolean;
}

/** All paths of one window together: the more are asked, the more would be found by chance. In their order. */
export function testPaths(paths: readonly PathCounts[]): readonly PathFinding[] {
  const found = paths.map(({ exchanges, onlyArms, onlyItself }) => ({
    p: mcnemarExact(onlyArms, onlyItself),
    effect: exchanges === 0 ? 0 : (onlyArms - onlyItself) / exchanges,
  }));
  const held = benjaminiHochberg(
    found.map(({ p }) => p),
    ALPHA,
  );
  return found.map((one, at) => ({ ...one, isConfirmed: held[at] === true && one.effect >= EFFECT_MIN }));
}
