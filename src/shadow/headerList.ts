// A head as one list of names and values in turn, in the order of the wire: as clients take it, and what costs least between threads.

export type HeaderList = readonly string[];

/** The first one of this name, given in lower case; null: there is none. */
export function headerIn(list: HeaderList, name: string): string | null {
  for (let at = 0; at + 1 < list.length; at += 2) {
    if ((list[at] as string).toLowerCase() === name) return list[at + 1] as string;
  }
  return null;
}

export function* pairsIn(list: HeaderList): Generator<readonly [name: string, value: string]> {
  for (let at = 0; at + 1 < list.length; at += 2) yield [list[at] as string, list[at + 1] as string];
}
