// What `.filter(q => …)` sends (convex/src/server/impl/filter_builder_impl.ts), as a function of a document. Pure.
import { compareValues, type JSONValue, type Value } from "convex/values";
import { valueOrUndefined } from "./storedJson.ts";
import { showValue } from "./valueForms.ts";

/** Gives the value at a field path; undefined where there is none. */
export type FieldReader = (path: string) => Value | undefined;
type Evaluate = (read: FieldReader) => Value | undefined;

/** A filter as nested as this is no filter that anyone wrote; it is walked by recursion. */
const DEPTH_MAX = 256;

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  $eq: (order) => order === 0,
  $neq: (order) => order !== 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
};

interface Arithmetic {
  readonly floats: (a: number, b: number) => number;
  readonly int64s: (a: bigint, b: bigint) => bigint;
}

const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  $add: { floats: (a, b) => a + b, int64s: (a, b) => a + b },
  $sub: { floats: (a, b) => a - b, int64s: (a, b) => a - b },
  $mul: { floats: (a, b) => a * b, int64s: (a, b) => a * b },
  $div: { floats: (a, b) => a / b, int64s: (a, b) => a / b },
  $mod: { floats: (a, b) => a % b, int64s: (a, b) => a % b },
};

/** Whether a document is kept. @throws Error, when made or asked, for what is no filter or gives no boolean */
export function compileFilter(expression: JSONValue): (read: FieldReader) => boolean {
  const evaluate = compile(expression, 0);
  return (read) => asBoolean(evaluate(read), "a filter");
}

function compile(expression: JSONValue, depth: number): Evaluate {
  if (depth > DEPTH_MAX) throw new Error(`a filter nests deeper than ${DEPTH_MAX} operators`);
  if (typeof expression !== "object" || expression === null || Array.isArray(expression)) {
    throw new Error(`expected a filter expression, got ${showValue(expression)}`);
  }
  const [operator = "", operand = null] = Object.entries(expression)[0] ?? [];
  const inner = (part: JSONValue) => compile(part, depth + 1);
  switch (operator) {
    case "$literal": {
      const value = valueOrUndefined(operand);
      return () => value;
    }
    case "$field":
      if (typeof operand !== "string") throw new Error(`q.field: expected a path, got ${showValue(operand)}`);
      return (read) => read(operand);
    case "$and":
    case "$or": {
      const parts = listOf(operator, operand).map(inner);
      const isAnd = operator === "$and";
      return (read) => {
        const decides = (part: Evaluate) => asBoolean(part(read), shown(operator)) !== isAnd;
        return parts.some(decides) !== isAnd;
      };
    }
    case "$not": {
      const part = inner(operand);
      return (read) => !asBoolean(part(read), "q.not");
    }
    case "$neg": {
      const part = inner(operand);
      return (read) => negated(part(read));
    }
    default:
      return compilePair(operator, operand, inner);
  }
}

function compilePair(operator: string, operand: JSONValue, inner: (part: JSONValue) => Evaluate): Evaluate {
  const compare = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined;
  const compute = Object.hasOwn(ARITHMETIC, operator) ? ARITHMETIC[operator] : undefined;
  if (compare === undefined && compute === undefined) throw new Error(`unknown filter operator ${showValue(operator)}`);
  const [first, second, ...more] = listOf(operator, operand);
  if (first === undefined || second === undefined || more.length > 0) {
    throw new Error(`${shown(operator)}: expected two operands`);
  }
  const [left, right] = [inner(first), inner(second)];
  if (compare !== undefined) return (read) => compare(compareValues(left(read), right(read)));
  return (read) => computed(operator, compute as Arithmetic, left(read), right(read));
}

function computed(operator: string, compute: Arithmetic, a: Value | undefined, b: Value | undefined): number | bigint {
  if (typeof a === "number" && typeof b === "number") return compute.floats(a, b);
  if (typeof a === "bigint" && typeof b === "bigint") return BigInt.asIntN(64, compute.int64s(a, b));
  throw new Error(`${shown(operator)}: expected two numbers or two int64s, got ${showValue(a)} and ${showValue(b)}`);
}

function negated(value: Value | undefined): number | bigint {
  if (typeof value === "number") return -value;
  if (typeof value === "bigint") return BigInt.asIntN(64, -value);
  throw new Error(`q.neg: expected a number or an int64, got ${showValue(value)}`);
}

function listOf(operator: string, operand: JSONValue): readonly JSONValue[] {
  if (!Array.isArray(operand)) throw new Error(`${shown(operator)}: expected a list of operands`);
  return operand;
}

function asBoolean(value: Value | undefined, where: string): boolean {
  if (typeof value !== "boolean") throw new Error(`${where} must give true or false, got ${showValue(value)}`);
  return value;
}

function shown(operator: string): string {
  return operator.replace("$", "q.");
}
