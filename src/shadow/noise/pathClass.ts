// What kind of values control writes on one path (shadow §8, layer 1), so that a value of another kind is told from one more of
// those that change by themselves.
import { valueClass } from "../compare/valueClass.ts";
import { canonicalNumber } from "../json/decimal.ts";
import { isNumber, type JsonValue } from "../json/values.ts";

/** From so many values on something is said about a path. */
export const VALUES_MIN = 50;
/** A path with at most so many different values, each often, is an enumeration. */
const ENUM_MAX = 12;
const ENUM_EACH_MIN = 4;

export type PathKind = "unknown" | "constant" | "enum" | "format";

/** Values differ by this text. Long ones need not be told apart: such a path is no enumeration. */
const TEXT_MAX = 64;

const textOf = (value: JsonValue): string | null => {
  if (typeof value === "string") return value.length > TEXT_MAX ? null : JSON.stringify(value);
  if (isNumber(value)) return canonicalNumber(value);
  return value === null || typeof value === "boolean" ? String(value) : null;
};

export class PathClass {
  #count = 0;
  /** Value classes seen so far; a handful by their nature. */
  readonly #classes = new Set<string>();
  /** Null once there are too many, or values that are no scalars. */
  #values: Set<string> | null = new Set();

  /** A value that control has written, in an answer or its repeat. */
  add(value: JsonValue): void {
    this.#count += 1;
    this.#classes.add(valueClass(value) ?? "");
    if (this.#values === null) return;
    const text = textOf(value);
    if (text === null) this.#values = null;
    else if (this.#values.add(text).size > ENUM_MAX) this.#values = null;
  }

  get kind(): PathKind {
    if (this.#count < VALUES_MIN) return "unknown";
    const distinct = this.#values?.size ?? Number.POSITIVE_INFINITY;
    if (distinct === 1) return "constant";
    return distinct * ENUM_EACH_MIN <= this.#count && distinct <= ENUM_MAX ? "enum" : "format";
  }

  /** Whether a value is of a format that control writes here; null: not enough is known. */
  hasFormat(value: JsonValue): boolean | null {
    return this.kind === "unknown" ? null : this.#classes.has(valueClass(value) ?? "");
  }

  /** Whether control might have written it: its format, and where there are few values, one of them. */
  holds(value: JsonValue): boolean | null {
    const hasFormat = this.hasFormat(value);
    if (hasFormat !== true || this.kind === "format") return hasFormat;
    return this.#values?.has(textOf(value) ?? "") ?? false;
  }
}
