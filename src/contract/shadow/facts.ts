// What conditions are told of a difference, and how they read it.
import type { AcceptCondition } from "../../shadow/ports.ts";
import { isObject, type JsonObject } from "../jsonObject.ts";

interface Both<T> {
  readonly control: T;
  readonly candidate: T;
}

/** Where something is needed and not told, nothing is accepted: a false difference is seen, a hidden one is not. */
export type Facts = Parameters<AcceptCondition>[0];

type Pick = (arm: readonly unknown[], own: unknown) => unknown;

function objectsOf({ above, control, candidate }: Facts, pick: Pick): Both<JsonObject> | null {
  if (above === undefined) return null;
  const [one, other] = [pick(above.control, control), pick(above.candidate, candidate)];
  return isObject(one) && isObject(other) ? { control: one, candidate: other } : null;
}

/** The objects that have the two values as members; null: not told, or none. */
export const holdersOf = (facts: Facts): Both<JsonObject> | null => objectsOf(facts, (above) => above.at(-1));

/** The whole bodies. */
export const bodiesOf = (facts: Facts): Both<JsonObject> | null => objectsOf(facts, (above, own) => above[0] ?? own);

/** The comparer keeps fractions and long integers as they were written: in an object that is none of JSON's and has their text. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "object" || value === null || isObject(value) || !("text" in value)) return null;
  return typeof value.text === "string" ? Number(value.text) : null;
}
