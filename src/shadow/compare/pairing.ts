// Finds the partners of two arrays' items by a name, in the order of each side where a name comes more than once.
import { canonicalNumber } from "../json/decimal.ts";
import { isNumber, isObject, type JsonValue } from "../json/values.ts";

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

/** A text for what an item has under a key. */
function memberText(item: JsonValue, key: string): string {
  const member = isObject(item) && Object.hasOwn(item, key) ? (item[key] as JsonValue) : null;
  return isNumber(member) ? canonicalNumber(member) : JSON.stringify(member);
}

/** Neighbours with the same `field` in the order of their `key`; everything else stays where it is. */
export function settleTies(
  items: readonly JsonValue[],
  { field, key }: { readonly field: string; readonly key: string },
): readonly JsonValue[] {
  const settled: JsonValue[] = [];
  for (let from = 0, to = 0; from < items.length; from = to) {
    const text = memberText(items[from] as JsonValue, field);
    while (to < items.length && memberText(items[to] as JsonValue, field) === text) to++;
    const run = items.slice(from, to).map((item) => ({ item, name: memberText(item, key) }));
    run.sort((one, other) => (one.name < other.name ? -1 : Number(one.name > other.name)));
    for (const { item } of run) settled.push(item);
  }
  return settled;
}
