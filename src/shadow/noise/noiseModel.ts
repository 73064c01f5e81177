// What control writes on a path by itself (shadow §8, layers 1 and 2): which paths differ between control and its own repeat, and of
// which formats control's values are there.
import type { FoundDifference } from "../compare/foundDifferences.ts";

/** From so many values on something is said of a path's formats. */
export const VALUES_MIN = 50;
/** Of all routes; those seen longest ago are learnt anew. */
const PATHS_MAX = 20_000;

interface PathNoise {
  /** Value classes that control has written where something differed. */
  readonly formats: Set<string>;
  values: number;
  /** How often control differed from its repeat. */
  itself: number;
}

export interface Settled {
  readonly differences: readonly FoundDifference[];
  /** All that counts is what control does by itself. */
  readonly isNoise: boolean;
}

export class NoiseModel {
  readonly #paths = new Map<string, PathNoise>();
  readonly #pathsMax: number;

  constructor(pathsMax: number = PATHS_MAX) {
    this.#pathsMax = pathsMax;
  }

  /** How often control has differed from itself on this path. */
  itself(route: string, template: string): number {
    return this.#paths.get(nameOf(route, template))?.itself ?? 0;
  }

  /** Control beside its repeat. */
  learnRepeat(route: string, differences: readonly FoundDifference[]): void {
    for (const difference of differences) {
      const path = this.#path(route, difference.template);
      path.itself += 1;
      learn(path, difference.control);
      learn(path, difference.candidate);
    }
  }

  /** Control beside the candidate: what is on a path that always changes is told from what breaks its format. */
  settle(route: string, differences: readonly FoundDifference[]): Settled {
    let isNoise = differences.some(({ acceptedBy }) => acceptedBy === null);
    const settled = differences.map((difference) => {
      if (difference.acceptedBy !== null) return difference;
      const path = this.#path(route, difference.template);
      const isKnown = path.values >= VALUES_MIN;
      const isBroken = isKnown && difference.kind === "value" && !path.formats.has(difference.candidate ?? "");
      learn(path, difference.control);
      isNoise &&= path.itself > 0 && isKnown && difference.kind === "value" && !isBroken;
      return isBroken ? ({ ...difference, kind: "type", severity: "breaking" } as const) : difference;
    });
    return { differences: settled, isNoise };
  }

  #path(route: string, template: string): PathNoise {
    const name = nameOf(route, template);
    let path = this.#paths.get(name);
    if (path === undefined) path = { formats: new Set(), values: 0, itself: 0 };
    else this.#paths.delete(name);
    this.#paths.set(name, path); // the newest last
    const [oldest] = this.#paths.keys();
    if (this.#paths.size > this.#pathsMax && oldest !== undefined) this.#paths.delete(oldest);
    return path;
  }
}

const nameOf = (route: string, template: string): string => `${route}\n${template}`;

function learn(path: PathNoise, valueClass: string | null): void {
  path.values += 1;
  path.formats.add(valueClass ?? "");
}
