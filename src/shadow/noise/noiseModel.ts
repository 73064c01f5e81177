// What control writes on a path by itself (shadow §8, layers 1, 2 and 4): of which formats its values are, how often it differs from
// its own repeat, and whether the candidate differs from it more often than that.
import type { FoundDifference } from "../compare/foundDifferences.ts";
import { shareInterval } from "./exactTest.ts";
import { EFFECT_MIN } from "./familyTest.ts";
import { nameOf, type RepeatSeen, type RoutePath, TestWindow } from "./testWindow.ts";

/** From so many values on something is said of a path's formats. */
export const VALUES_MIN = 50;
/** Of all routes; those seen longest ago are learnt anew. */
const PATHS_MAX = 20_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** One difference of control from itself may be a write that came between; it says nothing of the next call. */
const ITSELF_MIN = 2;

interface PathNoise {
  /** Value classes that control has written where something differed. */
  readonly formats: Set<string>;
  values: number;
  /** How often control has differed from itself, ever. */
  itself: number;
  /** Control's own lists have stood in another order. */
  isUnordered: boolean;
  /** When layer 4 has last found the candidate to differ more often, epoch ms. */
  foundAtMs: number;
}

/** What one exchange with a repeat has shown. */
export interface RepeatDifferences {
  /** Control beside its repeat. */
  readonly itself: readonly FoundDifference[];
  /** Control beside the candidate, in the same exchange; null: there was nothing of the candidate to compare. */
  readonly arms: readonly FoundDifference[] | null;
}

export interface Settled {
  readonly differences: readonly FoundDifference[];
  /** Of these, those that count and are not what control does by itself. */
  readonly loud: readonly FoundDifference[];
}

export class NoiseModel {
  readonly #paths = new Map<string, PathNoise>();
  readonly #pathsMax: number;
  readonly #hour: TestWindow;
  readonly #windows: readonly TestWindow[];
  #dropped = 0;

  constructor(pathsMax: number = PATHS_MAX) {
    this.#pathsMax = pathsMax;
    const open = (lengthMs: number): TestWindow => new TestWindow(lengthMs, pathsMax, () => (this.#dropped += 1));
    this.#hour = open(HOUR_MS);
    this.#windows = [open(MINUTE_MS), open(5 * MINUTE_MS), this.#hour];
  }

  /** Paths that were forgotten, and counts of paths that no window had room for. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How often control has ever differed from itself on this path, in repeats and re-checks. */
  itself(route: string, template: string): number {
    return this.#paths.get(nameOf(route, template))?.itself ?? 0;
  }

  /** Layer 4 has found it less than an hour ago. */
  isFound(route: string, template: string, nowMs: number): boolean {
    const foundAtMs = this.#paths.get(nameOf(route, template))?.foundAtMs;
    return foundAtMs !== undefined && nowMs - foundAtMs <= HOUR_MS;
  }

  /** An exchange with a repeat. */
  learnRepeat(route: string, { itself, arms }: RepeatDifferences): void {
    this.noteItself(route, itself);
    const seen: RepeatSeen = { itself: templatesOf(itself), arms: arms === null ? null : templatesOf(arms) };
    for (const window of this.#windows) window.add(route, seen);
  }

  /** Control has differed from itself, in calls that were not chosen by chance: no rates come of it. */
  noteItself(route: string, differences: readonly FoundDifference[]): void {
    for (const difference of differences) {
      const path = this.#path(route, difference.template);
      path.itself += 1;
      path.isUnordered ||= difference.kind === "order";
      learn(path, difference.control);
      learn(path, difference.candidate);
    }
  }

  /** Control beside the candidate: what is on a path that always changes is told from what breaks its format. */
  settle(route: string, differences: readonly FoundDifference[], nowMs: number): Settled {
    const loud: FoundDifference[] = [];
    const settled = differences.map((difference) => {
      if (difference.acceptedBy !== null) return difference;
      const path = this.#path(route, difference.template);
      learn(path, difference.control);
      const isKnown = path.values >= VALUES_MIN;
      const isOther = isKnown && !path.formats.has(difference.candidate ?? "");
      if (isOther && difference.kind === "value") {
        const broken = { ...difference, kind: "type", severity: "breaking" } as const;
        loud.push(broken);
        return broken;
      }
      const isOwnKind = difference.kind === "value" || (difference.kind === "order" && path.isUnordered);
      const { template } = difference;
      if (!isKnown || isOther || !isOwnKind || !this.#isRestless({ route, template }, path, nowMs)) {
        loud.push(difference);
      }
      return difference;
    });
    return { differences: settled, loud };
  }

  /** Ends windows whose time is over. Gives the paths on which layer 4 has found the candidate to differ by itself. */
  closeWindows(nowMs: number): readonly RoutePath[] {
    const found = this.#windows.flatMap((window) => window.close(nowMs));
    for (const { route, template } of found) this.#path(route, template).foundAtMs = nowMs;
    return found;
  }

  /** Control differs from itself there, often enough to be seen, and the candidate not more often. */
  #isRestless(at: RoutePath, path: PathNoise, nowMs: number): boolean {
    if (path.itself === 0 || nowMs - path.foundAtMs <= HOUR_MS) return false;
    const { itself, repeats } = this.#hour.ownRate(at);
    return itself >= ITSELF_MIN && shareInterval(itself, repeats).low >= EFFECT_MIN;
  }

  #path(route: string, template: string): PathNoise {
    const name = nameOf(route, template);
    let path = this.#paths.get(name);
    if (path === undefined) {
      const foundAtMs = Number.NEGATIVE_INFINITY;
      path = { formats: new Set(), values: 0, itself: 0, isUnordered: false, foundAtMs };
    } else this.#paths.delete(name);
    this.#paths.set(name, path); // the newest last
    const [oldest] = this.#paths.keys();
    if (this.#paths.size > this.#pathsMax && oldest !== undefined) {
      this.#paths.delete(oldest);
      this.#dropped += 1;
    }
    return path;
  }
}

const templatesOf = (differences: readonly FoundDifference[]): ReadonlySet<string> =>
  new Set(differences.flatMap(({ template, acceptedBy }) => (acceptedBy === null ? [template] : [])));

function learn(path: PathNoise, valueClass: string | null): void {
  path.values += 1;
  path.formats.add(valueClass ?? "");
}
