// Reading a tool's arguments: a wrong type or a value outside its limits is `bad_args` (contract services.md §3).
import { codePointLength } from "../../contract/index.ts";

export class BadArgs extends Error {
  override readonly name = "BadArgs";
  /** Code after the last attempt, where the tool has its own. */
  readonly code: string;
  constructor(message: string, code = "TOOL_INPUT_VALIDATION_ERROR") {
    super(message);
    this.code = code;
  }
}

export type Args = Readonly<Record<string, unknown>>;
interface TextLimits {
  readonly min?: number;
  readonly max?: number;
}
interface NumberLimits {
  readonly min?: number;
  readonly max?: number;
}

export const has = (args: Args, name: string): boolean => Object.hasOwn(args, name);
const bad = (name: string): never => {
  throw new BadArgs(`argument ${name} is not valid`);
};

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function text(args: Args, name: string, { min = 0, max = Infinity }: TextLimits = {}): string {
  const value = args[name];
  if (typeof value !== "string") return bad(name);
  const length = codePointLength(value);
  return length < min || length > max ? bad(name) : value;
}

export const textOr = <T>(args: Args, name: string, fallback: T, limits: TextLimits = {}): string | T =>
  has(args, name) ? text(args, name, limits) : fallback;

export function number(args: Args, name: string, { min = -Infinity, max = Infinity }: NumberLimits = {}): number {
  const value = args[name];
  if (typeof value !== "number" || !Number.isFinite(value)) return bad(name);
  return value < min || value > max ? bad(name) : value;
}

export const numberOr = (args: Args, name: string, fallback: number, limits: NumberLimits = {}): number =>
  has(args, name) ? number(args, name, limits) : fallback;

export function whole(args: Args, name: string, limits: NumberLimits = {}): number {
  const value = number(args, name, limits);
  return Number.isInteger(value) ? value : bad(name);
}

export const wholeOr = (args: Args, name: string, fallback: number, limits: NumberLimits = {}): number =>
  has(args, name) ? whole(args, name, limits) : fallback;

export function boolOr(args: Args, name: string, fallback: boolean): boolean {
  if (!has(args, name)) return fallback;
  const value = args[name];
  return typeof value === "boolean" ? value : bad(name);
}

export function oneOf<const T extends string>(args: Args, name: string, values: readonly T[]): T {
  const value = values.find((candidate) => candidate === args[name]);
  return value ?? bad(name);
}

export const oneOfOr = <const T extends string>(args: Args, name: string, values: readonly T[], fallback: T): T =>
  has(args, name) ? oneOf(args, name, values) : fallback;

/** A list of `min` to `max` items, each passing `isItem`. */
export function list<T>(
  args: Args,
  name: string,
  isItem: (item: unknown) => item is T,
  { min = 0, max = Infinity }: NumberLimits = {},
): readonly T[] {
  const value = args[name];
  if (!Array.isArray(value) || value.length < min || value.length > max) return bad(name);
  const items: readonly unknown[] = value;
  return items.every(isItem) ? items : bad(name);
}

export const listOr = <T>(
  args: Args,
  name: string,
  isItem: (item: unknown) => item is T,
  limits: NumberLimits = {},
): readonly T[] => (has(args, name) ? list(args, name, isItem, limits) : []);

export const isText = (item: unknown): item is string => typeof item === "string";
export const isNumber = (item: unknown): item is number => typeof item === "number" && Number.isFinite(item);
export const isPair = (item: unknown): item is readonly [number, number] =>
  Array.isArray(item) && item.length === 2 && item.every(isNumber);

export function object(args: Args, name: string): Readonly<Record<string, unknown>> {
  const value = args[name];
  return isObject(value) ? value : bad(name);
}
