// Partners among things of which only a tolerance says whether two are the same: such a sameness is not transitive, so that no
// name can be made of it.

export interface Matching<T> {
  /** What things are near each other by: number by number. */
  keyOf(one: T): readonly number[];
  isAlike(control: T, candidate: T): boolean;
}

export interface Matched<T> {
  readonly both: readonly (readonly [control: T, candidate: T])[];
  readonly control: readonly T[];
  readonly candidate: readonly T[];
}

/** Neighbours by their keys that are tried for one that is left over, on either side. */
const WINDOW = 16;
/** Tries for those left over, in one list: what is not found by then stays without a partner. */
const TRIES_MAX = 20_000;

/** As many pairs as there can be: all of them where one tolerance decides, nearly always where several do. */
export function matchAlike<T>(control: readonly T[], candidate: readonly T[], matching: Matching<T>): Matched<T> {
  const isInOrder =
    control.length === candidate.length && control.every((one, at) => matching.isAlike(one, candidate[at] as T));
  if (isInOrder) {
    return { both: control.map((one, at) => [one, candidate[at] as T] as const), control: [], candidate: [] };
  }
  const [left, right] = [byKey(control, matching), byKey(candidate, matching)];
  const partners = inTurn(left, right, matching);
  if (partners.size < Math.min(left.length, right.length)) lengthen(left, right, partners, matching);
  const taken = new Set(partners.keys());
  const found = new Map([...partners].map(([there, here]) => [here, there]));
  return {
    both: [...found].map(([here, there]) => [at(left, here), at(right, there)] as const),
    control: left.filter((_, here) => !found.has(here)).map(({ one }) => one),
    candidate: right.filter((_, there) => !taken.has(there)).map(({ one }) => one),
  };
}

interface Keyed<T> {
  readonly one: T;
  readonly key: readonly number[];
}

const at = <T>(all: readonly Keyed<T>[], place: number): T => (all[place] as Keyed<T>).one;

const byKey = <T>(all: readonly T[], { keyOf }: Matching<T>): readonly Keyed<T>[] =>
  all.map((one) => ({ one, key: keyOf(one) })).sort((one, other) => order(one.key, other.key));

function order(one: readonly number[], other: readonly number[]): number {
  for (const [place, number] of one.entries()) {
    const apart = number - (other[place] ?? 0);
    if (apart !== 0) return apart;
  }
  return 0;
}

/** From candidate's places to control's. */
type Partners = Map<number, number>;

/** Both in order of their keys, each with the first that it is like: on one axis there is no better way. */
function inTurn<T>(left: readonly Keyed<T>[], right: readonly Keyed<T>[], { isAlike }: Matching<T>): Partners {
  const partners: Partners = new Map();
  for (let here = 0, there = 0; here < left.length && there < right.length; ) {
    const [one, other] = [left[here] as Keyed<T>, right[there] as Keyed<T>];
    if (isAlike(one.one, other.one)) partners.set(there++, here++);
    else if (order(one.key, other.key) < 0) here += 1;
    else there += 1;
  }
  return partners;
}

/** Augmenting paths (Kuhn 1955): one that is left over takes a partner whose own finds another. */
function lengthen<T>(
  left: readonly Keyed<T>[],
  right: readonly Keyed<T>[],
  partners: Partners,
  { isAlike }: Matching<T>,
): void {
  let tries = TRIES_MAX;
  const placed = new Set(partners.values());
  const find = (here: number, seen: Set<number>): boolean => {
    const { one, key } = left[here] as Keyed<T>;
    const near = firstNotBefore(right, key);
    for (let there = Math.max(0, near - WINDOW); there < Math.min(right.length, near + WINDOW); there++) {
      if (seen.has(there) || tries-- <= 0 || !isAlike(one, at(right, there))) continue;
      seen.add(there);
      const holder = partners.get(there);
      if (holder !== undefined && !(seen.size < WINDOW * WINDOW && find(holder, seen))) continue;
      partners.set(there, here);
      return true;
    }
    return false;
  };
  for (const here of left.keys()) if (!placed.has(here)) find(here, new Set());
}

function firstNotBefore<T>(all: readonly Keyed<T>[], key: readonly number[]): number {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order((all[middle] as Keyed<T>).key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
