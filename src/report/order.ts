// Orders and roundings that are the same on every machine: the same evidence gives the same bytes (shadow §16).

type Order<T> = (one: T, other: T) => number;

const compare = (one: number | string, other: number | string): number => (one < other ? -1 : one > other ? 1 : 0);

export const byText = (one: string, other: string): number => compare(one, other);

/** By the first key, then by the next. Texts by code unit: locales differ between machines. */
export const by =
  <T>(...keys: readonly ((item: T) => number | string)[]): Order<T> =>
  (one, other) => {
    for (const key of keys) {
      const order = compare(key(one), key(other));
      if (order !== 0) return order;
    }
    return 0;
  };

/** What comes of logarithms, whose last places are not the same everywhere. Plain divisions are. */
export const rounded = (value: number, digits = 6): number => Number(value.toPrecision(digits));

export const ratioOf = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

export const sumOf = (counts: Iterable<number | undefined>): number => {
  let sum = 0;
  for (const count of counts) sum += count ?? 0;
  return sum;
};
