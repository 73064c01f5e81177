// What exchanges with a repeat have shown in one stretch of time (shadow §8, layer 4): how often control differed from itself and
// from the candidate, path by path.
import { type PathCounts, testPaths } from "./familyTest.ts";

export interface RoutePath {
  readonly route: string;
  readonly template: string;
}

interface PathSeen extends RoutePath {
  onlyArms: number;
  onlyItself: number;
  /** Control differed from its repeat, whatever the candidate did. */
  itself: number;
}

interface RouteSeen {
  repeats: number;
  /** Of them the candidate's answer could be compared too. */
  exchanges: number;
}

/** Templates of what differed. */
export interface RepeatSeen {
  readonly itself: ReadonlySet<string>;
  /** Null: there was nothing of the candidate to compare. */
  readonly arms: ReadonlySet<string> | null;
}

export class TestWindow {
  readonly lengthMs: number;
  readonly #pathsMax: number;
  readonly #onDrop: () => void;
  /** Of the windows since 1970 the one that is open. */
  #index = Number.NEGATIVE_INFINITY;
  #routes = new Map<string, RouteSeen>();
  #paths = new Map<string, PathSeen>();
  /** The window before: so long evidence is not stale. */
  #before: { routes: Map<string, RouteSeen>; paths: Map<string, PathSeen> } | null = null;

  constructor(lengthMs: number, pathsMax: number, onDrop: () => void) {
    this.lengthMs = lengthMs;
    this.#pathsMax = pathsMax;
    this.#onDrop = onDrop;
  }

  add(route: string, { itself, arms }: RepeatSeen): void {
    const ofRoute = this.#routes.get(route) ?? { repeats: 0, exchanges: 0 };
    this.#routes.set(route, ofRoute);
    ofRoute.repeats += 1;
    ofRoute.exchanges += arms === null ? 0 : 1;
    for (const template of itself) {
      const path = this.#path(route, template);
      if (path === null) continue;
      path.itself += 1;
      if (arms !== null && !arms.has(template)) path.onlyItself += 1;
    }
    for (const template of arms ?? []) {
      const path = itself.has(template) ? null : this.#path(route, template);
      if (path !== null) path.onlyArms += 1;
    }
  }

  /** How often control has differed from its repeat, in this window and the one before. */
  ownRate({ route, template }: RoutePath): { readonly itself: number; readonly repeats: number } {
    const name = nameOf(route, template);
    const [now, before] = [this.#paths.get(name), this.#before?.paths.get(name)];
    return {
      itself: (now?.itself ?? 0) + (before?.itself ?? 0),
      repeats: (this.#routes.get(route)?.repeats ?? 0) + (this.#before?.routes.get(route)?.repeats ?? 0),
    };
  }

  /** Ends the window if its time is over. Gives on which paths of it the arms differ more often than control from itself. */
  close(nowMs: number): readonly RoutePath[] {
    const index = Math.floor(nowMs / this.lengthMs);
    if (index <= this.#index) return [];
    // The first one is open from what it has seen first.
    if (this.#index === Number.NEGATIVE_INFINITY) {
      this.#index = index;
      return [];
    }
    const paths = [...this.#paths.values()];
    const findings = testPaths(
      paths.map(
        ({ route, onlyArms, onlyItself }): PathCounts => ({
          exchanges: this.#routes.get(route)?.exchanges ?? 0,
          onlyArms,
          onlyItself,
        }),
      ),
    );
    const isNext = index === this.#index + 1;
    this.#before = isNext ? { routes: this.#routes, paths: this.#paths } : null;
    this.#index = index;
    this.#routes = new Map();
    this.#paths = new Map();
    return paths.filter((_, at) => findings[at]?.isConfirmed);
  }

  #path(route: string, template: string): PathSeen | null {
    const name = nameOf(route, template);
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    if (this.#paths.size >= this.#pathsMax) {
      this.#onDrop();
      return null;
    }
    const path = { route, template, onlyArms: 0, onlyItself: 0, itself: 0 };
    this.#paths.set(name, path);
    return path;
  }
}

export const nameOf = (route: string, template: string): string => `${route}\n${template}`;
