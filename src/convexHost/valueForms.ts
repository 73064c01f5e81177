// What values and field names are, and how messages show them: short whatever their size, telling apart what JSON does
// not (1n, -0, bytes).
import { CommitTsPlaceholder } from "convex/values";
import { LIMITS } from "./limits.ts";

const SYSTEM_FIELDS = new Set(["_id", "_creationTime"]);
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NAME_SHOWN_MAX = 80;
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/**
 * A name a user's field or record key may have: non-empty printable ASCII that does not begin with "$" or "_", but for
 * `_id` and `_creationTime`, so that whole documents fit inside others. Source: `v.object` and `v.record` in
 * convex/src/values/validator.ts, `validateObjectField` in value.ts.
 */
export function isFieldName(name: string): boolean {
  if (name.length > LIMITS.fieldNameLength || !PRINTABLE_ASCII.test(name)) return false;
  return isSystemField(name) || !/^[$_]/.test(name);
}

/** `_id` and `_creationTime`, which the host adds to each document. */
export function isSystemField(name: string): boolean {
  return SYSTEM_FIELDS.has(name);
}

/** A bigint that fits into 64 bits. */
export function isInt64(value: unknown): value is bigint {
  return typeof value === "bigint" && BigInt.asIntN(64, value) === value;
}

/** What to say of a name that is none. */
export function badFieldName(name: string): string {
  const rule = `1 to ${LIMITS.fieldNameLength} printable ASCII characters, the first neither "$" nor "_"`;
  return `Field name ${showValue(name, NAME_SHOWN_MAX)} is not allowed: expected ${rule}.`;
}

/** A plain object of this or another realm, as `convexToJson` takes it; not one with an inherited field. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype === Object.prototype) return true;
  // Every realm's Object.prototype ends its chain; `jsonToConvex` of `{"__proto__": {…}}` makes a longer one.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}

/** One step of a path: `.name`, `[3]`, `["odd name"]`; a long name is cut. */
export function showField(step: string | number): string {
  if (typeof step === "number") return `[${step}]`;
  return IDENTIFIER.test(step) ? `.${showName(step)}` : `[${showValue(step, NAME_SHOWN_MAX)}]`;
}

/** A field name as it is, cut when it is long. */
export function showName(name: string): string {
  return name.length <= NAME_SHOWN_MAX ? name : `${name.slice(0, NAME_SHOWN_MAX)}…`;
}

/** A value as code, cut at about `charsMax` characters; never walks much more of it than it shows. */
export function showValue(value: unknown, charsMax = 200): string {
  if (charsMax <= 0) return "…";
  if (Array.isArray(value)) return `[${showMembers(membersOfArray(value), charsMax)}]`;
  if (isPlainObject(value)) return `{${showMembers(membersOfObject(value), charsMax)}}`;
  if (typeof value === "string") {
    return value.length <= charsMax ? JSON.stringify(value) : `${JSON.stringify(value.slice(0, charsMax))}…`;
  }
  return showScalar(value);
}

function showMembers(members: Iterable<readonly [string, unknown]>, charsMax: number): string {
  let text = "";
  for (const [label, member] of members) {
    const separator = text === "" ? "" : ", ";
    if (text.length >= charsMax) return `${text}${separator}…`;
    text += `${separator}${label}${showValue(member, charsMax - text.length - label.length - 2)}`;
  }
  return text;
}

function* membersOfArray(items: readonly unknown[]): Iterable<readonly [string, unknown]> {
  for (const item of items) yield ["", item];
}

function* membersOfObject(fields: Readonly<Record<string, unknown>>): Iterable<readonly [string, unknown]> {
  for (const name of Object.keys(fields)) {
    yield [`${IDENTIFIER.test(name) ? showName(name) : showValue(name, NAME_SHOWN_MAX)}: `, fields[name]];
  }
}

function showScalar(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (value instanceof ArrayBuffer) return `<${value.byteLength} bytes>`;
  if (value instanceof CommitTsPlaceholder) return "db.vars.commitTs";
  if (typeof value === "object" && value !== null) return `<${nameOfClass(value)}>`;
  return typeof value === "function" || typeof value === "symbol" ? `<${typeof value}>` : String(value);
}

function nameOfClass(value: object): string {
  const { constructor } = value as { readonly constructor?: unknown };
  return typeof constructor === "function" && constructor.name !== "" ? constructor.name : "object";
}
