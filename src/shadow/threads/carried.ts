// What a served leg carried, as the copy's own headers are made from it.
import type { HeaderPairs } from "../mirror/copyHeaders.ts";

/** Of a flat name/value list; names in lower case. */
export function pairsOf(flat: readonly string[]): HeaderPairs {
  const pairs: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2)
    pairs.push([(flat[at] as string).toLowerCase(), flat[at + 1] as string]);
  return pairs;
}
