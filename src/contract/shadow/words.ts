// Normalisers and classes of the application's rules (differences.md §§2–3).
import type { JsonValue, Normaliser, NormaliserTable } from "../../shadow/ports.ts";
import { isObject } from "../jsonObject.ts";
import { numberOf } from "./facts.ts";

const isText = (value: unknown): value is string => typeof value === "string";

/** A6: any text is as good as any other; what is no text is compared. */
const freeText = (name: string): Normaliser => ({ name, isSame: (a, b) => isText(a) && isText(b) });

/** A7. */
const BEGINNINGS = ["Weak password:", "Invalid email:"];

const detailText = (name: string): Normaliser => ({
  name,
  isSame: (a, b) => isText(a) && isText(b) && BEGINNINGS.some((one) => a.startsWith(one) && b.startsWith(one)),
});

function kindOf(value: unknown): string {
  if (value === null || Array.isArray(value)) return value === null ? "null" : "array";
  return numberOf(value) === null ? typeof value : "number";
}

function placeOf(item: unknown): string | null {
  if (!isObject(item) || !isText(item["type"]) || !Array.isArray(item["loc"])) return null;
  // Of `msg`, `input` and `ctx` the values are ignored (A6), not whether they are there.
  const { loc, type, ...more } = item;
  // Where a text stops to be JSON is the parser's own.
  const at: unknown = type === "json_invalid" ? (loc as readonly unknown[]).slice(0, 1) : loc;
  const rest = Object.entries(more).map(([key, value]) => `${key}:${kindOf(value)}`);
  return JSON.stringify([at, type, rest.sort()]);
}

/** A8: where and of which kind, once each. */
function placesOf(value: JsonValue): string | null {
  if (!Array.isArray(value)) return null;
  const places = value.map(placeOf);
  return places.includes(null) ? null : [...new Set(places)].sort().join(" ");
}

const invalidPlaces = (name: string): Normaliser => ({
  name,
  isSame: (a, b) => {
    const places = placesOf(a);
    return places !== null && places === placesOf(b);
  },
});

export const SHADOW_NORMALISERS: NormaliserTable = {
  "free-text": freeText,
  "detail-text": detailText,
  "invalid-places": invalidPlaces,
};

const CLASSES: readonly (readonly [name: string, ...statuses: number[]])[] = [
  ["auth", 401],
  ["forbidden", 403, 4403],
  ["not-found", 404],
  ["conflict", 409],
  ["invalid", 400, 422],
  ["limit", 413, 415, 429],
  ["server", 500, 502, 503, 504],
];

/** differences.md, end of §3. */
export const statusClass = (status: number): string =>
  CLASSES.find(([, ...statuses]) => statuses.includes(status))?.[0] ?? String(status);
