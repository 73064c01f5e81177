// Finds the partners of two arrays' items by a name, in the order of each side where a name comes more than once.
import { canonicalNumber } from "../json/decimal.ts";
import { isNumber, isObject, type JsonValue } from "../json/values.ts";
import { matchAlike, type Matching } from "./matching.ts";

export interface Named {
  readonly item: JsonValue;
  readonly at: number;
  readonly name: string;
}

export interface Pairs {
  readonly both: readonly (readonly [control: Named, candidate: Named])[];
  /** Without a partner. */
  readonly control: readonly Named[];
  readonly candidate: readonly Named[];
  /** Some partner stands elsewhere. */
  readonly isReordered: boolean;
}

export interface Naming {
  readonly control: (item: JsonValue) => string;
  readonly candidate: (item: JsonValue) => string;
  /** Whether items with this name may still differ; then `matching` says which belong together. */
  isLoose(name: string): boolean;
  readonly matching: Matching<Named>;
}

const namedOf = (items: readonly JsonValue[], nameOf: (item: JsonValue) => string): readonly Named[] =>
  items.map((item, at) => ({ item, at, name: nameOf(item) }));

const byPlace = (one: Named, other: Named): number => one.at - other.at;

export function pairUp(control: readonly JsonValue[], candidate: readonly JsonValue[], naming: Naming): Pairs {
  const ones = Map.groupBy(namedOf(control, naming.control), ({ name }) => name);
  const others = Map.groupBy(namedOf(candidate, naming.candidate), ({ name }) => name);
  const both: (readonly [Named, Named])[] = [];
  const [alone, left]: [Named[], Named[]] = [[], []];
  for (const [name, here] of ones) {
    const there = others.get(name) ?? [];
    others.delete(name);
    const isMany = here.length > 1 || there.length > 1;
    if (isMany && there.length > 0 && naming.isLoose(name)) {
      const matched = matchAlike(here, there, naming.matching);
      both.push(...matched.both);
      alone.push(...matched.control);
      left.push(...matched.candidate);
      continue;
    }
    const count = Math.min(here.length, there.length);
    for (let at = 0; at < count; at++) both.push([here[at] as Named, there[at] as Named]);
    alone.push(...here.slice(count));
    left.push(...there.slice(count));
  }
  for (const there of others.values()) left.push(...there);
  both.sort(([one], [other]) => byPlace(one, other));
  const isReordered = both.some(([, partner], at) => at > 0 && partner.at < (both[at - 1]?.[1].at ?? 0));
  return { both, control: alone.sort(byPlace), candidate: left.sort(byPlace), isReordered };
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
