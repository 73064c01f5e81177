// Finds the partners of two arrays' items by a name, in the order of each side where a name comes more than once.
import type { JsonValue } from "../json/values.ts";

export interface Named {
  readonly item: JsonValue;
  readonly at: number;
}

export interface Pairs {
  readonly both: readonly (readonly [control: Named, candidate: Named])[];
  /** Without a partner. */
  readonly control: readonly Named[];
  readonly candidate: readonly Named[];
  /** Some partner stands elsewhere. */
  readonly isReordered: boolean;
}

type NameOf = (item: JsonValue) => string;

export function pairUp(
  control: readonly JsonValue[],
  candidate: readonly JsonValue[],
  nameOf: { readonly control: NameOf; readonly candidate: NameOf },
): Pairs {
  const waiting = new Map<string, Named[]>();
  for (const [at, item] of candidate.entries()) {
    const name = nameOf.candidate(item);
    const same = waiting.get(name);
    if (same === undefined) waiting.set(name, [{ item, at }]);
    else same.push({ item, at });
  }
  for (const same of waiting.values()) same.reverse(); // so that the first is the last to be popped
  const both: [Named, Named][] = [];
  const alone: Named[] = [];
  for (const [at, item] of control.entries()) {
    const partner = waiting.get(nameOf.control(item))?.pop();
    if (partner === undefined) alone.push({ item, at });
    else both.push([{ item, at }, partner]);
  }
  const left = [...waiting.values()].flat().sort((one, other) => one.at - other.at);
  const isReordered = both.some(([, partner], at) => at > 0 && partner.at < (both[at - 1]?.[1].at ?? 0));
  return { both, control: alone, candidate: left, isReordered };
}
