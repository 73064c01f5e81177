// Normalisers (shadow §5): pure, told by name with arguments, `num(0.01)`. Each says whether two values of one path are the same
// to it; how arrays are paired is said apart.
import { areNumbersNear } from "../json/decimal.ts";
import { isArray, isNumber, isObject, JsonNumber, type JsonValue } from "../json/values.ts";
import { isLikeProse } from "./prose.ts";
import { timeOf } from "./times.ts";

export interface NormaliserContext {
  /** How much later the shadow's leg was sent than the served one, at most, of all of the group's so far; ms. */
  readonly delayMs: number;
}

/** How the items of two arrays find each other. */
export type Pairing =
  /** `ties`: items with the same `field` are in no order among themselves, so they are put in that of `key`. */
  | { readonly by: "position"; readonly ties?: { readonly field: string; readonly key: string } }
  | { readonly by: "content" }
  | { readonly by: "key"; readonly key: string };

export interface Normaliser {
  /** As the rule says it. */
  readonly name: string;
  readonly pairing?: Pairing;
  /** Of values of the same JSON type, and not equal as they stand. @throws whatever the application's own throws */
  isSame?(control: JsonValue, candidate: JsonValue, context: NormaliserContext): boolean;
  /** Values that it may take for the same as another one; absent: any. The others are compared by themselves. */
  takes?(value: JsonValue): boolean;
}

/** `args`: what stands in the parentheses, without blanks. @throws RangeError for arguments that it does not take */
export type NormaliserFactory = (name: string, args: readonly string[]) => Normaliser;

export type NormaliserTable = Readonly<Record<string, NormaliserFactory>>;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

function only(args: readonly string[], most: number, expected: string): void {
  if (args.length > most) throw new RangeError(`takes ${expected}`);
}

function durationOf(text: string | undefined): { readonly ms: number; readonly isDelayed: boolean } {
  const [, delayed, digits, unit] = /^(delay\+)?(\d+)(ms|s|m)$/.exec(text ?? "0ms") ?? [];
  if (digits === undefined || unit === undefined) throw new RangeError("takes a duration such as 2s or delay+2s");
  return { ms: Number(digits) * (UNITS[unit] ?? 1), isDelayed: delayed !== undefined };
}

const isText = (value: JsonValue): value is string => typeof value === "string";

const sizeOf = (value: JsonValue): number | null => {
  if (typeof value === "string" || isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : null;
};

/** shadow §5; `keys` and `esc` are always on, `deltas`, `frames` and `yjs` have their own rooms. */
export const NORMALISERS: NormaliserTable = {
  num: (name, args) => {
    only(args, 1, "at most a tolerance such as 0.01");
    const [tolerance = "0"] = args;
    if (!/^\d+(\.\d+)?$/.test(tolerance)) throw new RangeError("takes a tolerance such as 0.01");
    const most = new JsonNumber(tolerance);
    return { name, takes: isNumber, isSame: (a, b) => isNumber(a) && isNumber(b) && areNumbersNear(a, b, most) };
  },
  time: (name, args) => {
    only(args, 1, "at most a duration such as 2s or delay+2s");
    const { ms, isDelayed } = durationOf(args[0]);
    return {
      name,
      takes: (value) => timeOf(value) !== null,
      isSame: (a, b, { delayMs }) => {
        const [one, other] = [timeOf(a), timeOf(b)];
        return one !== null && other !== null && Math.abs(one - other) <= ms + (isDelayed ? delayMs : 0);
      },
    };
  },
  set: (name, args) => {
    only(args, 0, "no argument");
    return { name, pairing: { by: "content" } };
  },
  by: (name, args) => {
    const [key] = args;
    if (key === undefined || args.length > 1) throw new RangeError("takes the name of one key");
    return { name, pairing: { by: "key", key } };
  },
  ties: (name, args) => {
    const [field, key] = args;
    if (field === undefined || key === undefined || args.length > 2) throw new RangeError("takes two names of keys");
    return { name, pairing: { by: "position", ties: { field, key } } };
  },
  len: (name, args) => {
    const [least, most] = args.map(Number);
    if (args.length !== 0 && !(args.length === 2 && least !== undefined && most !== undefined && least <= most)) {
      throw new RangeError("takes nothing, or the least and greatest ratio of the lengths");
    }
    return {
      name,
      isSame: (a, b) => {
        const [one, other] = [sizeOf(a), sizeOf(b)];
        if (one === null || other === null) return one === other;
        if (one === 0 || other === 0) return one === other;
        return least === undefined || most === undefined || (other / one >= least && other / one <= most);
      },
    };
  },
  prose: (name, args) => {
    const [least, most] = args.map(Number);
    if (least === undefined || most === undefined || args.length !== 2 || !(least <= most)) {
      throw new RangeError("takes the least and greatest ratio of the lengths, such as 0.2,5");
    }
    return {
      name,
      takes: isText,
      isSame: (a, b) => isText(a) && isText(b) && isLikeProse(a, b, { least, most }),
    };
  },
};

const CALL = /^([a-z][a-z0-9-]*)(?:\(([^()]*)\))?$/;

/** @throws RangeError saying what is wrong with the name or its arguments */
export function createNormaliser(call: string, table: NormaliserTable): Normaliser {
  const [, name, args] = CALL.exec(call.replaceAll(" ", "")) ?? [];
  const factory = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
  if (factory === undefined) {
    throw new RangeError(`no normaliser ${call}; there are ${Object.keys(table).sort().join(", ")}`);
  }
  try {
    return factory(call, args === undefined || args === "" ? [] : args.split(","));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${call}: ${error.message}`, { cause: error });
  }
}
