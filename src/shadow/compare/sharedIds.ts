import { isArray, isNumber, isObject, type JsonValue } from "../json/values.ts";
import { numberText } from "../json/decimal.ts";
import type { BodyPlace, BodyRules } from "./bodyRules.ts";
import { idClassOf } from "./valueClass.ts";

/** Ids that both bodies hold, wherever: where rules say so, and by their look if `isLearnt`. */
export function sharedIds(
  control: JsonValue,
  candidate: JsonValue,
  rules: BodyRules,
  isLearnt: boolean,
): ReadonlySet<string> {
  const idsOf = (body: JsonValue): ReadonlySet<string> => {
    const ids = new Set<string>();
    const collect = (value: JsonValue, place: BodyPlace): void => {
      if (typeof value === "string") {
        if (rules.at(place).isId || (isLearnt && idClassOf(value) !== null)) ids.add(value);
      } else if (isNumber(value)) {
        if (rules.at(place).isId) ids.add(numberText(value));
      } else if (isArray(value)) {
        for (const item of value) collect(item, place.item());
      } else if (isObject(value)) {
        for (const [key, item] of Object.entries(value)) {
          if (isLearnt && idClassOf(key) !== null) ids.add(key);
          collect(item, place.key(key));
        }
      }
    };
    collect(body, rules.root);
    return ids;
  };
  const others = idsOf(candidate);
  return new Set([...idsOf(control)].filter((id) => others.has(id)));
}
