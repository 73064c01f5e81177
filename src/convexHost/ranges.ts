// Index ranges as key intervals, and which intervals a commit has touched.
import { type JSONValue, jsonToConvex, type Value } from "convex/values";
import { compareKeys, encodeKey, endOfPrefix } from "./order.ts";
import type { KeyInterval, TouchedKey } from "./words.ts";

/** What `withIndex(name, q => q.eq(…).gt(…))` sends (convex/src/server/impl/index_range_builder_impl.ts). */
export type IndexRange = readonly {
  readonly type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  readonly fieldPath: string;
  /** Convex JSON; `{"$undefined": null}` for a missing field. */
  readonly value: JSONValue;
}[];

interface RangedIndex {
  readonly table: string;
  readonly name: string;
  /** The declared ones. `_creationTime` and `_id` follow; an index that has `_id` itself (`by_id`) ends there. */
  readonly fields: readonly string[];
}

/**
 * The keys `from <= key < to` of a range: equalities first, in the order of the index, then at most one lower and one upper
 * bound on the next field (embedded-convex §3.4). A range that nothing can be in has `from` equal to `to`.
 * @throws Error naming the index, the field it got and the one it expected
 */
export function intervalOf(
  index: RangedIndex,
  range: IndexRange,
): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const fields = keyFieldsOf(index.fields);
  const equals: (Value | undefined)[] = [];
  const bounds = { lower: null as Uint8Array | null, upper: null as Uint8Array | null };
  for (const { type, fieldPath, value } of range) {
    const expected = fields[equals.length];
    const hasBound = bounds.lower !== null || bounds.upper !== null;
    if (fieldPath !== expected) throw new Error(explainField(index, fieldPath, expected, hasBound));
    if (type === "Eq") {
      if (hasBound) {
        throw new Error(explain(index, `"${fieldPath}" has a bound, so it cannot be compared with eq as well`));
      }
      equals.push(valueOf(value));
      continue;
    }
    const side = type === "Gt" || type === "Gte" ? "lower" : "upper";
    if (bounds[side] !== null) {
      throw new Error(explain(index, `"${fieldPath}" has a second ${side} bound, expected at most one`));
    }
    const edge = encodeKey([...equals, valueOf(value)]);
    bounds[side] = type === "Gt" || type === "Lte" ? endOfPrefix(edge) : edge;
  }
  const prefix = encodeKey(equals);
  const from = bounds.lower ?? prefix;
  const to = bounds.upper ?? endOfPrefix(prefix);
  return { from, to: compareKeys(from, to) > 0 ? from : to };
}

function keyFieldsOf(declared: readonly string[]): readonly string[] {
  if (declared.includes("_id")) return declared;
  return declared.includes("_creationTime") ? [...declared, "_id"] : [...declared, "_creationTime", "_id"];
}

function valueOf(json: JSONValue): Value | undefined {
  return isUndefinedJson(json) ? undefined : jsonToConvex(json);
}

/** `convexOrUndefinedToJson` of convex writes a missing field so. */
function isUndefinedJson(json: JSONValue): boolean {
  if (json === null || typeof json !== "object" || Array.isArray(json)) return false;
  return json.$undefined === null && Object.keys(json).length === 1;
}

function explainField(index: RangedIndex, got: string, expected: string | undefined, hasBound: boolean): string {
  if (expected === undefined) return explain(index, `"${got}" comes after its last field`);
  if (!hasBound) return explain(index, `expected its field "${expected}" next, got "${got}"`);
  return explain(index, `"${got}" comes after a bound on "${expected}", expected no other field behind a bound`);
}

function explain(index: RangedIndex, problem: string): string {
  const fields = keyFieldsOf(index.fields).join(", ");
  return `Index range on ${index.table}.${index.name} refused: ${problem}. Its fields in order: ${fields}.`;
}

type SortedKeys = ReadonlyMap<number, readonly Uint8Array[]>;
/** A commit is held against every subscription: its keys are sorted once. */
const sortedByCommit = new WeakMap<readonly TouchedKey[], SortedKeys>();

/**
 * Whether a commit that touched these keys may have changed what these reads saw (embedded-convex §3.10). The keys of one
 * array are sorted at its first use and remembered with it, so the array must not change afterwards; each read is then one
 * binary search.
 */
export function overlaps(reads: readonly KeyInterval[], touched: readonly TouchedKey[]): boolean {
  let sorted = sortedByCommit.get(touched);
  if (sorted === undefined) {
    sorted = sortByIndex(touched);
    sortedByCommit.set(touched, sorted);
  }
  for (const read of reads) {
    const keys = sorted.get(read.index);
    if (keys === undefined) continue;
    const first = keys[findFirst(keys, read.from)];
    if (first !== undefined && compareKeys(first, read.to) < 0) return true;
  }
  return false;
}

function sortByIndex(touched: readonly TouchedKey[]): SortedKeys {
  const byIndex = new Map<number, Uint8Array[]>();
  for (const { index, key } of touched) {
    const keys = byIndex.get(index);
    if (keys === undefined) byIndex.set(index, [key]);
    else keys.push(key);
  }
  for (const keys of byIndex.values()) keys.sort(compareKeys);
  return byIndex;
}

/** The position of the first key that is not below `from`; the length when there is none. */
function findFirst(keys: readonly Uint8Array[], from: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle];
    if (key !== undefined && compareKeys(key, from) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
