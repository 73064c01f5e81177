// Reading request values with the rules of E3 (contract rest.md §1). Every violation is collected, then thrown at once.
import { codePointLength } from "../../contract/index.ts";
import { InvalidInputError, type Violation } from "./errors.ts";

type Loc = readonly (string | number)[];
const ABSENT = Symbol("absent");

const TRUE_TEXTS: ReadonlySet<string> = new Set(["true", "yes", "on", "1", "t", "y"]);
const FALSE_TEXTS: ReadonlySet<string> = new Set(["false", "no", "off", "0", "f", "n"]);
const INTEGER_TEXT = /^\s*[+-]?\d+(?:\.0*)?\s*$/;

export type Reader<T> = (value: unknown, loc: Loc, violations: Violation[]) => T | undefined;

export function text({ min = 0, max = Infinity }: { min?: number; max?: number } = {}): Reader<string> {
  return (value, loc, violations) => {
    if (typeof value !== "string") {
      violations.push({ type: "string_type", loc, msg: "This must be a text.", input: value });
      return undefined;
    }
    const length = codePointLength(value);
    if (length < min) {
      const msg = `This must have at least ${min} characters.`;
      violations.push({ type: "string_too_short", loc, msg, input: value, ctx: { min_length: min } });
    } else if (length > max) {
      const msg = `This must have at most ${max} characters.`;
      violations.push({ type: "string_too_long", loc, msg, input: value, ctx: { max_length: max } });
    }
    return value;
  };
}

export const oneOf =
  <const W extends string>(...words: readonly W[]): Reader<W> =>
  (value, loc, violations) => {
    if (words.some((word) => word === value)) return value as W;
    const expected = words.map((word) => `'${word}'`).join(" or ");
    violations.push({ type: "literal_error", loc, msg: `This must be ${expected}.`, input: value, ctx: { expected } });
    return undefined;
  };

export const bool: Reader<boolean> = (value, loc, violations) => {
  if (typeof value === "boolean") return value;
  if (value === 0 || value === 1) return value === 1;
  const folded = typeof value === "string" ? value.toLowerCase() : "";
  if (TRUE_TEXTS.has(folded)) return true;
  if (FALSE_TEXTS.has(folded)) return false;
  const isParsed = typeof value === "string" || typeof value === "number";
  const type = isParsed ? "bool_parsing" : "bool_type";
  violations.push({ type, loc, msg: "This must be true or false.", input: value });
  return undefined;
};

function integerOf(value: unknown): number | "int_parsing" | "int_type" | "int_from_float" {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string") return INTEGER_TEXT.test(value) ? Number(value) : "int_parsing";
  if (typeof value !== "number") return "int_type";
  return Number.isInteger(value) ? value : "int_from_float";
}

export function integer({ ge = -Infinity, le = Infinity }: { ge?: number; le?: number } = {}): Reader<number> {
  return (value, loc, violations) => {
    const read = integerOf(value);
    if (typeof read === "string") {
      violations.push({ type: read, loc, msg: "This must be a whole number.", input: value });
      return undefined;
    }
    if (read < ge) {
      violations.push({
        type: "greater_than_equal",
        loc,
        msg: `This must be ${ge} or more.`,
        input: value,
        ctx: { ge },
      });
    } else if (read > le) {
      violations.push({ type: "less_than_equal", loc, msg: `This must be ${le} or less.`, input: value, ctx: { le } });
    }
    return read;
  };
}

export const object: Reader<Record<string, unknown>> = (value, loc, violations) => {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  violations.push({ type: "dict_type", loc, msg: "This must be an object.", input: value });
  return undefined;
};

export const nullable =
  <T>(reader: Reader<T>): Reader<T | null> =>
  (value, loc, violations) =>
    value === null ? null : reader(value, loc, violations);

export interface Field<T> {
  readonly reader: Reader<T>;
  readonly isRequired: boolean;
}
export const required = <T>(reader: Reader<T>): Field<T> => ({ reader, isRequired: true });
export const optional = <T>(reader: Reader<T>): Field<T | undefined> => ({ reader, isRequired: false });

type Values<F> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never };

function readFields<F extends Record<string, Field<unknown>>>(
  fields: F,
  source: "body" | "query",
  valueOf: (name: string) => unknown,
  missingInput: unknown,
): Values<F> {
  const violations: Violation[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = valueOf(name);
    const loc = [source, name];
    if (value !== ABSENT) values[name] = field.reader(value, loc, violations);
    else if (field.isRequired) {
      violations.push({ type: "missing", loc, msg: "This field is required.", input: missingInput });
    }
  }
  if (violations.length > 0) throw new InvalidInputError(violations);
  return values as Values<F>;
}

/** Fields of a JSON object; `body` undefined means that the request had none. */
export function readBody<F extends Record<string, Field<unknown>>>(fields: F, body: unknown): Values<F> {
  if (body === undefined) {
    throw new InvalidInputError([{ type: "missing", loc: ["body"], msg: "A body is required.", input: null }]);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const msg = "The body must be an object.";
    throw new InvalidInputError([{ type: "model_attributes_type", loc: ["body"], msg, input: body }]);
  }
  const members = body as Record<string, unknown>;
  return readFields(fields, "body", (name) => (Object.hasOwn(members, name) ? members[name] : ABSENT), body);
}

/** Query parameters; of a repeated one the last counts. */
export const readQuery = <F extends Record<string, Field<unknown>>>(fields: F, query: URLSearchParams): Values<F> =>
  readFields(fields, "query", (name) => query.getAll(name).at(-1) ?? ABSENT, null);
