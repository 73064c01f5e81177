// Pairs of bodies within the limits of the reader (shadow N3) that a comparison would look at again and again.
import type { Body } from "./replies.ts";

export interface HostilePair {
  readonly name: string;
  readonly control: Body;
  readonly candidate: Body;
  readonly expected: "equivalent" | "different";
}

const LEVELS = 58;
const list = (count: number, write: (at: number) => string): string =>
  `[${Array.from({ length: count }, (_, at) => write(at)).join()}]`;
const object = (count: number, write: (at: number) => string): string =>
  `{${Array.from({ length: count }, (_, at) => write(at)).join()}}`;

/** Inside of itself, level by level. */
function inside(core: string, wrap: (inner: string, level: number) => string): string {
  let text = core;
  for (let level = 0; level < LEVELS; level++) text = wrap(text, level);
  return text;
}

type Made = Readonly<Record<string, (isCandidate: boolean) => string>>;

const DIFFERENT: Made = {
  "lists in lists, the last value of all differs": (isCandidate) =>
    inside(
      list(190_000, (at) => String(at === 189_999 && isCandidate ? -1 : at)),
      (inner) => `[${inner}]`,
    ),
  "the same in objects": (isCandidate) =>
    inside(
      list(190_000, (at) => String(at === 189_999 && isCandidate ? -1 : at)),
      (inner) => `{"a":${inner}}`,
    ),
  "lists in lists that look reordered at each level": (isCandidate) =>
    inside(
      list(150_000, (at) => String(at === 149_999 && isCandidate ? -1 : at)),
      (inner, level) => (isCandidate ? `["B","A","D${level}",${inner}]` : `["A","B","C${level}",${inner}]`),
    ),
  "a list from its end to its beginning": (isCandidate) =>
    list(60_000, (at) => `{"a":${isCandidate ? 60_000 - at : at + 1},"c":"~"}`),
  "a list of which one item stands elsewhere": (isCandidate) =>
    list(60_000, (at) => `{"a":"~","c":${at === (isCandidate ? 59_999 : 0) ? 1 : 0}}`),
  "every value differs": (isCandidate) => object(120_000, (at) => `"k${at}":${isCandidate ? 1 : 2}`),
  "every key differs": (isCandidate) => object(60_000, (at) => `"${isCandidate ? "a" : "b"}${at}":1`),
  "every item differs": (isCandidate) => list(45_000, () => `{"a":{"b":${isCandidate ? 1 : 2}},"c":1}`),
  "half of what is below a key of 200,000 digits": (isCandidate) =>
    `{"${"7".repeat(200_000)}":${object(50_000, (at) => `"k${at}":${at % 2 === 0 && isCandidate ? 1 : 0}`)}}`,
};

const EQUIVALENT: Made = {
  "long numbers in other spellings": (isCandidate) =>
    list(100, () => `1${"0".repeat(100_000)}.${isCandidate ? "00" : "0"}`),
  "large exponents in other spellings": (isCandidate) => list(100_000, () => `1e${isCandidate ? "+" : ""}999999999`),
  "keys that are numbers": (isCandidate) =>
    object(90_000, (at) => `"${((isCandidate ? 89_999 - at : at) * 47_721) % 4_294_967_291}":0`),
};

export const hostilePairs = (): readonly HostilePair[] =>
  (
    [
      ["different", DIFFERENT],
      ["equivalent", EQUIVALENT],
    ] as const
  ).flatMap(([expected, made]) =>
    Object.entries(made).map(([name, make]) => ({ name, control: make(false), candidate: make(true), expected })),
  );
