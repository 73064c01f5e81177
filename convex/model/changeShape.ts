// Changes as they come over the wire: what is not valid is refused with the reason, one by one.
import { kindNamed } from "./kinds.ts";
import { type Data, isObject, isText, isWhole, type Kind } from "./kinds/kind.ts";
import type { ChangeOp, Origin } from "./validators.ts";

const KEY_CHARS_MAX = 1_024;
const NAME_SHOWN_MAX = 64;

export interface Change {
  readonly kind: Kind;
  readonly op: ChangeOp;
  readonly key: string;
  readonly userId: string;
  readonly version: number;
  readonly origin: Origin;
  readonly at: number;
  /** The greatest version of our writes of the row that the other arm knew of; null where it does not say. */
  readonly seen: number | null;
  /** The columns of the kind; null with `delete`. */
  readonly data: Data | null;
}

function columnsOf(kind: Kind, given: unknown): Data | string {
  if (!isObject(given)) return "data is no object";
  const row = given as Record<string, unknown>;
  const columns: Record<string, unknown> = {};
  for (const [name, check] of Object.entries(kind.columns)) {
    if (!Object.hasOwn(row, name)) return `data has no ${name}`;
    if (!check(row[name])) return `data.${name} is not what the column holds`;
    columns[name] = row[name];
  }
  return columns;
}

/** Whose row it says it is; null where only its session tells. */
function claimedOwner(kind: Kind, key: string, data: Data): string | null {
  if (Object.hasOwn(data, "user_id")) return data["user_id"] as string;
  return kind.session === "required" ? null : key;
}

const whole = (value: unknown): value is number => isWhole(value);
const text = (value: unknown): value is string => isText(value) && value !== "";

/** The change, or the sentence that says why it is none. */
export function readChange(given: unknown): Change | string {
  if (!isObject(given)) return "a change is an object";
  const {
    kind: name,
    op,
    key,
    user_id: userId,
    version,
    origin,
    at,
    seen,
    data: row,
  } = given as Record<string, unknown>;
  const kind = text(name) ? kindNamed(name) : null;
  if (!kind) return `unknown kind ${JSON.stringify(text(name) ? name.slice(0, NAME_SHOWN_MAX) : (name ?? null))}`;
  if (op !== "upsert" && op !== "delete") return "op is neither upsert nor delete";
  if (!text(key) || key.length > KEY_CHARS_MAX) return "key is no text of a fitting length";
  if (!text(userId)) return "user_id is no text";
  if (!whole(version) || version < 1) return "version is no whole number from 1";
  if (origin !== "legacy" && origin !== "candidate") return "origin is neither legacy nor candidate";
  if (!whole(at)) return "at is no time in milliseconds";
  if (seen !== undefined && (!whole(seen) || seen < 0)) return "seen is no whole number from 0";
  const change = { kind, op, key, userId, version, origin, at, seen: seen ?? null } as const;
  if (op === "delete") return { ...change, data: null };
  const data = columnsOf(kind, row);
  if (typeof data === "string") return data;
  if (kind.keyOf(data) !== key) return "key does not fit data";
  if ((claimedOwner(kind, key, data) ?? userId) !== userId) return "user_id does not fit data";
  return { ...change, data };
}

/** Order of writes of one row: by version, then by the text of the origin. */
export function compareWrites(a: Pick<Change, "version" | "origin">, b: Pick<Change, "version" | "origin">): number {
  if (a.version !== b.version) return a.version - b.version;
  return a.origin === b.origin ? 0 : a.origin < b.origin ? -1 : 1;
}

/** Whether two JSON values say the same, whatever the order of their keys. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => isSameJson(item, b[i]));
  }
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(
    (name) =>
      Object.hasOwn(b, name) && isSameJson((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}
