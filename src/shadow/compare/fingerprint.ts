// A text for a value that is equal for values a comparison takes for equal: pairs items of arrays in O(n log n) (shadow N2).
// What a rule ignores or compares with tolerance is left out; of what is in lists and objects only the scalars are.
import { canonicalNumber, numberText } from "../json/decimal.ts";
import { isArray, isNumber, jsonTypeOf, type JsonValue } from "../json/values.ts";
import { type BodyPlace, type BodyRules, isTolerant } from "./bodyRules.ts";

/** The name that both arms' ids of one thing share. `id`: a rule says so; `key`: of an object. */
export type PrintOf = (text: string, as: "id" | "text" | "key") => string;

export function fingerprintOf(value: JsonValue, place: BodyPlace, rules: BodyRules, idOf: PrintOf): string {
  const write = (one: JsonValue, at: BodyPlace): string => {
    const node = rules.at(at);
    if (node.ignore !== null) return node.ignore.how === "value" ? `~${jsonTypeOf(one)}` : "~";
    if (isTolerant(node, one)) return `~${jsonTypeOf(one)}`;
    const as = node.isId ? "id" : "text";
    if (one === null || typeof one === "boolean") return String(one);
    if (typeof one === "string") return JSON.stringify(idOf(one, as));
    if (isNumber(one)) return node.isId ? JSON.stringify(idOf(numberText(one), as)) : canonicalNumber(one);
    if (isArray(one)) {
      const items = one.map((item) => write(item, at.item()));
      if (node.pairing !== null && node.pairing.pairing.by !== "position") items.sort();
      return `[${items.join()}]`;
    }
    const members = Object.keys(one).flatMap((key) => {
      const under = at.key(key);
      // Whether it is there does not matter either.
      if (rules.at(under).ignore?.how === "all") return [];
      return [`${JSON.stringify(idOf(key, "key"))}:${write(one[key] as JsonValue, under)}`];
    });
    return `{${members.sort().join()}}`;
  };
  return write(value, place);
}
