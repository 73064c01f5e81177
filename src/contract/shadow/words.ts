// Normalisers, conditions and classes of the application's rules (differences.md §§2–4, 6).
import type { AcceptCondition, JsonObject, JsonValue, Normaliser, NormaliserTable } from "../../shadow/ports.ts";

const isText = (value: unknown): value is string => typeof value === "string";
const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A7. */
const BEGINNINGS = ["Weak password:", "Invalid email:"];

const detailText = (name: string): Normaliser => ({
  name,
  isSame: (a, b) => isText(a) && isText(b) && BEGINNINGS.some((one) => a.startsWith(one) && b.startsWith(one)),
});

/** A8: where and of which kind, once each; where a text stops to be JSON is the parser's own. */
function placesOf(value: JsonValue): string | null {
  if (!Array.isArray(value)) return null;
  const places = value.map((item: JsonValue) => {
    if (!isObject(item)) return null;
    const loc = item["loc"] ?? null;
    const isJson = item["type"] === "json_invalid" && Array.isArray(loc);
    return JSON.stringify([isJson ? loc.slice(0, 1) : loc, item["type"] ?? null]);
  });
  return places.includes(null) ? null : [...new Set(places)].sort().join(" ");
}

const invalidPlaces = (name: string): Normaliser => ({
  name,
  isSame: (a, b) => {
    const places = placesOf(a);
    return places !== null && places === placesOf(b);
  },
});

const SIMILARITY_MIN = 0.95;

/** Words with how often they come: Jaccard of two multisets. */
function similarity(one: string, other: string): number {
  const counts = new Map<string, [number, number]>();
  for (const [side, text] of [one, other].entries()) {
    for (const word of text.toLowerCase().split(/\s+/).filter(Boolean)) {
      const count = counts.get(word) ?? [0, 0];
      count[side] = (count[side] ?? 0) + 1;
      counts.set(word, count);
    }
  }
  let [common, all] = [0, 0];
  for (const [a, b] of counts.values()) {
    common += Math.min(a, b);
    all += Math.max(a, b);
  }
  return all === 0 ? 1 : common / all;
}

const pdf = (name: string): Normaliser => ({
  name,
  isSame: (a, b) => isText(a) && isText(b) && similarity(a, b) >= SIMILARITY_MIN,
});

export const SHADOW_NORMALISERS: NormaliserTable = {
  "detail-text": detailText,
  "invalid-places": invalidPlaces,
  pdf,
};

const TIMING_CODES = new Set<unknown>(["QUEUE_OVERFLOW", "TURN_TIMEOUT", "BOARD_STATE_TIMEOUT"]);
const JOB_ENDS = new Set<unknown>(["success", "failed"]);

/**
 * the board forgets these by its clock. The answer does not say when, so that only this is accepted: whoever was asked
 * later has less of the same.
 */
const hasExpired: AcceptCondition = ({ control, candidate, shadow }) => {
  const [earlier, later] = shadow === "candidate" ? [control, candidate] : [candidate, control];
  if (typeof earlier === "number" && typeof later === "number") return later < earlier;
  if (!Array.isArray(earlier) || !Array.isArray(later)) return later === null && isObject(earlier);
  const known = new Set(earlier.map((item) => JSON.stringify(item)));
  return later.length < earlier.length && later.every((item) => known.has(JSON.stringify(item)));
};

export const SHADOW_CONDITIONS: Readonly<Record<string, AcceptCondition>> = {
  "expires-now": hasExpired,
  /** S-9; how often is the guards' to judge. */
  "timing-code": ({ control, candidate }) => TIMING_CODES.has(control) !== TIMING_CODES.has(candidate),
  /** */
  "job-running": ({ control, candidate }) => !JOB_ENDS.has(control) || !JOB_ENDS.has(candidate),
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
