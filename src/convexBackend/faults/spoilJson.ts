// Faults that change a JSON answer or frame (faults.md §2, first block). Each returns whether it found something to spoil.
import { removeAt, setAt, spotsOf, valueAt } from "./jsonPath.ts";
import type { Faultable, Switchboard } from "./switchboard.ts";
import { numberArg } from "./switchboard.ts";
import type { FaultName } from "./table.ts";

type Spoil = (root: unknown, arg: string | null) => boolean;

const TIME_KEYS: ReadonlySet<string> = new Set([
  "created_at",
  "updated_at",
  "ended_at",
  "last_accessed",
  "last_active",
  "submitted_at",
  "timestamp",
]);
/** Fields the contract types `f`. */
const FRACTION_KEYS: ReadonlySet<string> = new Set([
  "overall_progress",
  "learning_pace_factor",
  "coverage",
  "learner_share",
  "x",
  "y",
]);

/** Visits every member of every object, innermost first. */
function eachMember(value: unknown, visit: (holder: Record<string, unknown>, key: string) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) eachMember(item, visit);
  } else if (typeof value === "object" && value !== null) {
    const holder = value as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      eachMember(holder[key], visit);
      visit(holder, key);
    }
  }
}

const changeMembers =
  (pick: (key: string, value: unknown) => boolean, change: (holder: Record<string, unknown>, key: string) => void) =>
  (root: unknown): boolean => {
    let found = false;
    eachMember(root, (holder, key) => {
      if (!pick(key, holder[key])) return;
      found = true;
      change(holder, key);
    });
    return found;
  };

const atSpots =
  (change: (value: unknown) => unknown): Spoil =>
  (root, path) => {
    const spots = spotsOf(root, path);
    for (const spot of spots) setAt(spot, change(valueAt(spot)));
    return spots.length > 0;
  };

function otherType(value: unknown): unknown {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return 0;
  if (Array.isArray(value)) return {};
  return String(value);
}

function otherValue(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") return Array.from(value).reverse().join("");
  return typeof value === "boolean" ? !value : value;
}

const reversed: Spoil = (root, path) => {
  const isList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 1;
  if (path === null) {
    let found = isList(root);
    if (isList(root)) root.reverse();
    else
      eachMember(root, (holder, key) => {
        const value = holder[key];
        if (found || !isList(value)) return;
        value.reverse();
        found = true;
      });
    return found;
  }
  const lists = spotsOf(root, path).map(valueAt).filter(isList);
  for (const list of lists) list.reverse();
  return lists.length > 0;
};

const truncated: Spoil = (root, arg) => {
  const length = numberArg({ arg }, 1);
  let found = false;
  const cut = (value: unknown): void => {
    if (!Array.isArray(value) || value.length <= length) return;
    value.length = length;
    found = true;
  };
  cut(root);
  eachMember(root, (holder, key) => cut(holder[key]));
  return found;
};

const missing: Spoil = (root, path) => {
  const spots = spotsOf(root, path);
  for (const spot of spots.reverse()) removeAt(spot);
  return spots.length > 0;
};

const extra: Spoil = (root, arg) => {
  const holder: unknown = Array.isArray(root) ? root[0] : root;
  if (typeof holder !== "object" || holder === null) return false;
  (holder as Record<string, unknown>)[arg || "_creationTime"] = 1_700_000_000_000.5;
  return true;
};

const SPOILS: readonly (readonly [FaultName, Spoil])[] = [
  [
    "wrong-error-code",
    changeMembers(
      (key, value) => key === "error_code" && typeof value === "string",
      (o, k) => void (o[k] = "WRONG_CODE"),
    ),
  ],
  ["missing-field", missing],
  ["null-field", atSpots(() => null)],
  ["type-change", atSpots(otherType)],
  ["value-change", atSpots(otherValue)],
  [
    "time-format",
    changeMembers(
      (key, value) => TIME_KEYS.has(key) && typeof value === "string",
      (o, k) => void (o[k] = Date.parse(String(o[k]))),
    ),
  ],
  [
    "float-text",
    changeMembers(
      (key, value) => FRACTION_KEYS.has(key) && typeof value === "number",
      (o, k) => void (o[k] = String(o[k])),
    ),
  ],
  ["reorder-array", reversed],
  ["truncate-list", truncated],
  [
    "absent-null",
    changeMembers(
      (_, value) => value === null,
      (o, k) => void delete o[k],
    ),
  ],
  ["extra-field", extra],
];

/** The text with every fault applied that is on here; the same text when none is. */
export function spoilJson(text: string, faults: Switchboard, at: Faultable): string {
  let out = text;
  for (const [name, spoil] of SPOILS) {
    if (!faults.isOn(name, at)) continue;
    const root: unknown = JSON.parse(out);
    // A chance counts only where there is something to spoil: try on a copy without an argument's side effects.
    const probe: unknown = structuredClone(root);
    const firing = probeFinds(spoil, probe, name, faults, at);
    if (firing && spoil(root, firing.arg)) out = JSON.stringify(root);
  }
  if (faults.fire("garble-json", at)) out = out.slice(0, Math.max(1, out.length >> 1));
  return out;
}

const probeFinds = (spoil: Spoil, probe: unknown, name: FaultName, faults: Switchboard, at: Faultable) =>
  spoil(probe, faults.argOf(name, at)) ? faults.fire(name, at) : null;
