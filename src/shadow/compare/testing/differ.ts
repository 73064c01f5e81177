// Another opinion on whether two JSON texts say the same, and where they do not: JSON.parse, whole numbers of any length, Node's own
// deep equality and microdiff. Of the comparer it has only how places are called (shadow P1).
import { isDeepStrictEqual } from "node:util";
import microdiff from "microdiff";
import { keyText } from "../../paths/pattern.ts";
import { isPersonalKey } from "../personal.ts";
import { isParsedObject, type Parsed, parsed, Spelled } from "./spelling.ts";

/** Scalars as texts that are equal when they say the same. */
type View = string | readonly View[] | { readonly [key: string]: View };

export interface Opinion {
  readonly isEqual: boolean;
  /** How many places differ, by template, as ADR 17 reads them. */
  readonly places: ReadonlyMap<string, number>;
}

export function opinionOf(control: string, candidate: string): Opinion {
  const [one, other] = [viewOf(parsed(control)), viewOf(parsed(candidate))];
  const isEqual = isDeepStrictEqual(one, other);
  const differing = new Differing(microdiff({ body: one }, { body: other }).map(({ path }) => path));
  const places = new Map<string, number>();
  for (const path of placesOf(one, other, ["body"], differing)) {
    const template = templateOf(path.slice(1));
    places.set(template, (places.get(template) ?? 0) + 1);
  }
  return { isEqual, places };
}

function viewOf(value: Parsed): View {
  if (value instanceof Spelled) return `#${exactly(value.source)}`;
  if (typeof value === "string") return `'${value}`;
  if (Array.isArray(value)) return value.map(viewOf);
  if (!isParsedObject(value)) return JSON.stringify(value);
  const view = Object.create(null) as Record<string, View>;
  for (const key of Object.keys(value)) view[key] = viewOf(value[key] as Parsed);
  return view;
}

/** digits · 10^exponent, without zeros at the end of the digits. */
function exactly(source: string): string {
  const [, whole = "", fraction = "", exponent = "0"] = /^(-?\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(source) ?? [];
  let digits = BigInt(whole + fraction);
  if (digits === 0n) return "0";
  let scale = BigInt(exponent) - BigInt(fraction.length);
  for (; digits % 10n === 0n; scale++) digits /= 10n;
  return `${digits}e${scale}`;
}

type Path = readonly (string | number)[];

/** The places that microdiff names, and all that they are in. */
class Differing {
  readonly #names = new Set<string>();

  constructor(paths: readonly Path[]) {
    for (const path of paths) {
      for (let length = path.length; length > 0; length--) this.#names.add(JSON.stringify(path.slice(0, length)));
    }
  }

  has(path: Path): boolean {
    return this.#names.has(JSON.stringify(path));
  }
}

/** ADR 17: one difference of a list of another length or order, and of an object of three or more members of which none is equal. */
function placesOf(one: View, other: View, path: Path, differing: Differing): readonly Path[] {
  if (!differing.has(path)) return [];
  if (typeof one === "string" || typeof other === "string") return [path];
  const isList = Array.isArray(one);
  if (isList !== Array.isArray(other)) return [path];
  if (isList && (one.length !== other.length || areOneBag(one as readonly View[], other as readonly View[])))
    return [path];
  const [left, right] = [one, other] as unknown as readonly Readonly<Record<string, View>>[];
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  const unequal = keys.map((key) => [...path, isList ? Number(key) : key]).filter((child) => differing.has(child));
  if (!isList && keys.length >= 3 && unequal.length === keys.length) return [path];
  return unequal.flatMap((child) => {
    const key = String(child.at(-1));
    const [here, there] = [left?.[key], right?.[key]];
    return here === undefined || there === undefined ? [child] : placesOf(here, there, child, differing);
  });
}

function areOneBag(one: readonly View[], other: readonly View[]): boolean {
  const sorted = (list: readonly View[]): readonly string[] => list.map(textOf).sort();
  return isDeepStrictEqual(sorted(one), sorted(other));
}

const textOf = (view: View): string => {
  if (typeof view === "string") return JSON.stringify(view);
  if (Array.isArray(view)) return `[${(view as readonly View[]).map(textOf).join()}]`;
  const members = Object.entries(view as { readonly [key: string]: View });
  return `{${members
    .map(([key, item]) => `${JSON.stringify(key)}:${textOf(item)}`)
    .sort()
    .join()}}`;
};

const templateOf = (path: Path): string =>
  `$${path.map((part) => (typeof part === "number" ? "[*]" : isPersonalKey(part) ? ".*" : keyText(part))).join("")}`;
