// Values against validators. Pure; messages are for developers.
import { CommitTsPlaceholder, jsonToConvex, type Value } from "convex/values";
import { badFieldName, isFieldName, isInt64, isPlainObject, showField, showName, showValue } from "./valueForms.ts";
import { showValidator, type ValidatorJson } from "./validatorJson.ts";

export { checkDocumentShape } from "./documentShape.ts";
export { parseValidator, showValidator, type ValidatorJson } from "./validatorJson.ts";

type TableOf = (id: string) => string | null;
type ObjectValidator = Extract<ValidatorJson, { type: "object" }>;
type RecordValidator = Extract<ValidatorJson, { type: "record" }>;
type UnionValidator = Extract<ValidatorJson, { type: "union" }>;

/** The first thing found wrong. Texts are made from it only when it is told: a member of a union may fail unheard. */
interface Mismatch {
  /** Steps from the inside out. */
  readonly path: (string | number)[];
  readonly validator: ValidatorJson;
  readonly value: unknown;
  readonly reason: string | null;
}

/**
 * null when `value` is what `validator` (the JSON of a `v.…`, embedded-convex §3.2, §3.4) asks for; else a message with the
 * path, the value shortened, and the validator in `v.…` notation. `tableOf` gives the table of an id, null when it is none.
 */
export function checkValue(validator: ValidatorJson, value: Value | undefined, tableOf: TableOf): string | null {
  const found = mismatch(validator, value, tableOf);
  return found === null ? null : tell(found);
}

function tell({ path, validator, value, reason }: Mismatch): string {
  const lines = [reason ?? "Value does not match validator."];
  if (path.length > 0) lines.push(`Path: ${path.toReversed().map(showField).join("")}`);
  lines.push(`Value: ${showValue(value)}`, `Validator: ${showValidator(validator)}`);
  return lines.join("\n");
}

function wrong(validator: ValidatorJson, value: unknown, reason: string | null = null): Mismatch {
  return { path: [], validator, value, reason };
}

/** Puts `step` before the path of what was found inside. */
function under(step: string | number, found: Mismatch | null): Mismatch | null {
  found?.path.push(step);
  return found;
}

function mismatch(validator: ValidatorJson, value: unknown, tableOf: TableOf): Mismatch | null {
  switch (validator.type) {
    case "id":
      return mismatchOfId(validator, value, tableOf);
    case "array":
      return mismatchOfArray(validator, value, tableOf);
    case "record":
      return mismatchOfRecord(validator, value, tableOf);
    case "object":
      return mismatchOfObject(validator, value, tableOf);
    case "union":
      return mismatchOfUnion(validator, value, tableOf);
    default:
      return isScalar(validator, value) ? null : wrong(validator, value);
  }
}

function isScalar(validator: ValidatorJson, value: unknown): boolean {
  switch (validator.type) {
    case "any":
      return value !== undefined;
    case "null":
      return value === null;
    case "number":
      return typeof value === "number";
    case "bigint":
    case "commitTs":
      // The placeholder is checked as the int64 that it becomes at COMMIT.
      return isInt64(value) || value instanceof CommitTsPlaceholder;
    case "boolean":
    case "string":
      return typeof value === validator.type;
    case "bytes":
      return value instanceof ArrayBuffer;
    case "literal":
      return isLiteral(validator.value, value);
    default:
      throw new Error(`the embedded host (Convex-compatible) knows no validator of type "${validator.type}"`);
  }
}

function isLiteral(literalJson: Extract<ValidatorJson, { type: "literal" }>["value"], value: unknown): boolean {
  if (value === literalJson) return true;
  // int64, NaN, -0 and the infinities are objects in JSON.
  if (typeof literalJson !== "object") return false;
  const literal = jsonToConvex(literalJson);
  return value === literal || Object.is(value, literal);
}

function mismatchOfId(
  validator: Extract<ValidatorJson, { type: "id" }>,
  value: unknown,
  tableOf: TableOf,
): Mismatch | null {
  if (typeof value !== "string") return wrong(validator, value);
  const table = tableOf(value);
  if (table === validator.tableName) return null;
  return wrong(validator, value, table === null ? "Not an id of any table here." : `An id of table "${table}".`);
}

function mismatchOfArray(
  validator: Extract<ValidatorJson, { type: "array" }>,
  value: unknown,
  tableOf: TableOf,
): Mismatch | null {
  if (!Array.isArray(value)) return wrong(validator, value);
  for (let index = 0; index < value.length; index++) {
    const found = mismatch(validator.value, value[index], tableOf);
    if (found !== null) return under(index, found);
  }
  return null;
}

function mismatchOfRecord(validator: RecordValidator, value: unknown, tableOf: TableOf): Mismatch | null {
  if (!isPlainObject(value)) return wrong(validator, value);
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    if (!isFieldName(key)) return wrong(validator, value, badFieldName(key));
    const found = mismatch(validator.keys, key, tableOf);
    if (found !== null) return under(key, { ...found, reason: `The key: ${found.reason ?? "does not match."}` });
    const inside = mismatch(validator.values.fieldType, member, tableOf);
    if (inside !== null) return under(key, inside);
  }
  return null;
}

function mismatchOfObject(validator: ObjectValidator, value: unknown, tableOf: TableOf): Mismatch | null {
  if (!isPlainObject(value)) return wrong(validator, value);
  for (const [name, { fieldType, optional }] of Object.entries(validator.value)) {
    // An inherited field ("constructor") is not there.
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    if (member === undefined) {
      if (!optional) return wrong(validator, value, `Object is missing the required field \`${name}\`.`);
      continue;
    }
    const found = mismatch(fieldType, member, tableOf);
    if (found !== null) return under(name, found);
  }
  for (const name of Object.keys(value)) {
    if (value[name] === undefined || Object.hasOwn(validator.value, name)) continue;
    return wrong(validator, value, `Object contains extra field \`${showName(name)}\` that is not in the validator.`);
  }
  return null;
}

/** When only one member can be meant, what is wrong inside that one says more than the whole union. */
function mismatchOfUnion(validator: UnionValidator, value: unknown, tableOf: TableOf): Mismatch | null {
  const meant: Mismatch[] = [];
  for (const member of validator.value) {
    const found = mismatch(member, value, tableOf);
    if (found === null) return null;
    if (isMeant(member, value, tableOf)) meant.push(found);
  }
  const [only, ...others] = meant;
  return only !== undefined && others.length === 0 ? only : wrong(validator, value);
}

/** Whether `value` has the form of `member`: for objects, also its literals, which tell the members of a union apart. */
function isMeant(member: ValidatorJson, value: unknown, tableOf: TableOf): boolean {
  switch (member.type) {
    case "array":
      return Array.isArray(value);
    case "record":
      return isPlainObject(value);
    case "object":
      if (!isPlainObject(value)) return false;
      return Object.entries(member.value).every(
        ([name, { fieldType }]) => fieldType.type !== "literal" || isLiteral(fieldType.value, value[name]),
      );
    case "union":
      return member.value.some((inner) => isMeant(inner, value, tableOf));
    case "id":
      return typeof value === "string" && tableOf(value) !== null;
    default:
      return false;
  }
}
