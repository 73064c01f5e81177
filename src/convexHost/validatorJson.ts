// The JSON form of validators, as `exportArgs()`, `exportReturns()` and `schema.export()` give it: checked once, then trusted.
// Source: `json` of each class in convex/src/values/validators.ts.
import { jsonToConvex, type JSONValue, type ValidatorJSON } from "convex/values";
import { isFieldName, showField, showValue } from "./valueForms.ts";

export type ValidatorJson = ValidatorJSON;
type ObjectFields = Extract<ValidatorJson, { type: "object" }>["value"];

const PLAIN = new Set(["null", "number", "bigint", "commitTs", "boolean", "string", "bytes", "any"]);
/** Validators of real code nest a handful of levels; the rest of the room walks them by recursion. */
const VALIDATOR_DEPTH_MAX = 64;

/**
 * Checks that `json` is a validator of a kind this host knows, all the way down; gives it back unchanged.
 * `where` begins the message ("args of messages:send"). @throws Error naming the place and what was expected
 */
export function parseValidator(json: unknown, where: string): ValidatorJson {
  checkValidator(json, where, 0);
  return json as ValidatorJson;
}

function checkValidator(json: unknown, where: string, depth: number): void {
  if (depth > VALIDATOR_DEPTH_MAX) throw new Error(`${where}: validators nest at most ${VALIDATOR_DEPTH_MAX} deep`);
  const { type, ...rest } = membersOf(json, where);
  switch (type) {
    case "literal":
      return checkLiteral(rest["value"], where);
    case "id":
      if (typeof rest["tableName"] !== "string") throw new Error(`${where}: v.id() has no table name`);
      return;
    case "array":
      return checkValidator(rest["value"], `${where}[]`, depth + 1);
    case "union":
      if (!Array.isArray(rest["value"])) throw new Error(`${where}: v.union() has no list of members`);
      for (const member of rest["value"]) checkValidator(member, where, depth + 1);
      return;
    case "record":
      checkRecordKeys(rest["keys"], where, depth + 1);
      return checkValidator(membersOf(rest["values"], where)["fieldType"], `${where}.*`, depth + 1);
    case "object":
      return checkObjectFields(rest["value"], where, depth + 1);
    default:
      if (typeof type !== "string" || !PLAIN.has(type)) {
        throw new Error(
          `${where}: the embedded host (Convex-compatible) knows no validator of type ${JSON.stringify(type)}`,
        );
      }
  }
}

function checkLiteral(value: unknown, where: string): void {
  const literal = jsonToConvex((value ?? null) as JSONValue);
  if (!["string", "number", "bigint", "boolean"].includes(typeof literal)) {
    throw new Error(`${where}: v.literal() takes a string, number, bigint or boolean`);
  }
}

function checkRecordKeys(keys: unknown, where: string, depth: number): void {
  checkValidator(keys, `${where} (keys)`, depth);
  const { type, value } = membersOf(keys, where);
  if (type === "union") for (const member of value as unknown[]) checkRecordKeys(member, where, depth + 1);
  else if (type !== "string" && type !== "id") {
    throw new Error(`${where}: keys of v.record() are v.string(), v.id() or a union of them`);
  }
}

function checkObjectFields(fields: unknown, where: string, depth: number): void {
  for (const [name, field] of Object.entries(membersOf(fields, where))) {
    const at = `${where}${showField(name)}`;
    if (!isFieldName(name)) throw new Error(`${at}: not a field name (printable ASCII, no leading "$" or "_")`);
    const { fieldType, optional } = membersOf(field, at);
    if (typeof optional !== "boolean") throw new Error(`${at}: expected "optional" to be true or false`);
    checkValidator(fieldType, at, depth);
  }
}

function membersOf(json: unknown, where: string): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new Error(`${where}: expected the JSON of a validator, got ${JSON.stringify(json)?.slice(0, 80)}`);
  }
  return json as Record<string, unknown>;
}

/** A validator as code, for messages: `v.object({name: v.string(), age: v.optional(v.float64())})`; cut after `charsMax`. */
export function showValidator(validator: ValidatorJson, charsMax = 400): string {
  const text = notationOf(validator);
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;
}

function notationOf(validator: ValidatorJson): string {
  switch (validator.type) {
    case "number":
      return "v.float64()";
    case "bigint":
      return "v.int64()";
    case "literal":
      return `v.literal(${showValue(jsonToConvex(validator.value))})`;
    case "id":
      return `v.id(${JSON.stringify(validator.tableName)})`;
    case "array":
      return `v.array(${notationOf(validator.value)})`;
    case "union":
      return `v.union(${validator.value.map(notationOf).join(", ")})`;
    case "record":
      return `v.record(${notationOf(validator.keys)}, ${notationOf(validator.values.fieldType)})`;
    case "object":
      return `v.object({${fieldsOf(validator.value)}})`;
    default:
      return `v.${validator.type}()`;
  }
}

function fieldsOf(fields: ObjectFields): string {
  const shown = Object.entries(fields).map(([name, { fieldType, optional }]) => {
    const notation = notationOf(fieldType);
    return `${name}: ${optional ? `v.optional(${notation})` : notation}`;
  });
  return shown.join(", ");
}
