// A text for a value that is equal for values a comparison takes for equal: pairs items of arrays in O(n log n) (shadow N2).
// What a rule ignores or compares with tolerance is left out.
import { canonicalNumber } from "../json/decimal.ts";
import { isArray, isNumber, type JsonValue } from "../json/values.ts";
import type { BodyPlace, BodyRules } from "./bodyRules.ts";

/** `idOf`: the name that both arms' ids of one thing share. */
export function fingerprintOf(
  value: JsonValue,
  place: BodyPlace,
  rules: BodyRules,
  idOf: (text: string) => string,
): string {
  const write = (one: JsonValue, at: BodyPlace): string => {
    const node = rules.at(at);
    if (node.ignore !== null || node.same.length > 0) return "~";
    if (one === null || typeof one === "boolean") return String(one);
    if (typeof one === "string") return JSON.stringify(idOf(one));
    if (isNumber(one)) return canonicalNumber(one);
    if (isArray(one)) {
      const items = one.map((item) => write(item, at.item()));
      if (node.pairing !== null && node.pairing.pairing.by !== "position") items.sort();
      return `[${items.join()}]`;
    }
    const keys = Object.keys(one).sort();
    return `{${keys.map((key) => `${JSON.stringify(idOf(key))}:${write(one[key] as JsonValue, at.key(key))}`).join()}}`;
  };
  return write(value, place);
}
