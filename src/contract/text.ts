// Text rules (contract G5): code points, never UTF-16 units; one closed list of blanks; ASCII case folding only.
import { JSON_DEPTH_MAX } from "./constants.ts";

const BLANK = "\\u0009-\\u000D\\u0020\\u0085\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000\\uFEFF";
const ONLY_BLANKS = new RegExp(`^[${BLANK}]*$`);
// The tail of `trim` is a loop: an unanchored `+$` would scan a long run of blanks inside a text quadratically.
const LEADING = new RegExp(`^[${BLANK}]+`);
const BLANKS = new RegExp(`[${BLANK}]+`);
const ONE_BLANK = new RegExp(`[${BLANK}]`);

/** True for the empty text too. */
export const isBlank = (text: string): boolean => ONLY_BLANKS.test(text);

export function trim(text: string): string {
  const start = LEADING.exec(text)?.[0].length ?? 0;
  let end = text.length;
  while (end > start && ONE_BLANK.test(text[end - 1] ?? "")) end -= 1;
  return text.slice(start, end);
}

/** The parts between runs of blanks, none of them empty. */
export const splitAtBlanks = (text: string): string[] => text.split(BLANKS).filter((part) => part !== "");

/** Length in code points. */
export function codePointLength(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** The first `count` code points; a surrogate pair is never split. */
export function firstCodePoints(text: string, count: number): string {
  if (text.length <= count) return text;
  let taken = 0;
  let end = 0;
  for (const point of text) {
    if (taken === count) break;
    taken += 1;
    end += point.length;
  }
  return text.slice(0, end);
}

/** The last `count` code points. */
export function lastCodePoints(text: string, count: number): string {
  const surplus = codePointLength(text) - count;
  return surplus <= 0 ? text : text.slice(firstCodePoints(text, surplus).length);
}

/** Lone surrogates become U+FFFD (G5); pairs stay. */
export const replaceLoneSurrogates = (text: string): string => text.toWellFormed();

function replaceDeep(value: unknown, depth: number): unknown {
  if (typeof value === "string") return replaceLoneSurrogates(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth === JSON_DEPTH_MAX) throw new RangeError(`nested deeper than ${JSON_DEPTH_MAX}`);
  if (Array.isArray(value)) return value.map((item) => replaceDeep(item, depth + 1));
  // fromEntries defines own properties, so a key `__proto__` stays data.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [replaceLoneSurrogates(key), replaceDeep(item, depth + 1)]),
  );
}

/**
 * The same for every text and key inside a JSON value, before anything else reads it (G5).
 * Throws RangeError beyond {@link JSON_DEPTH_MAX} levels.
 */
export const replaceLoneSurrogatesDeep = (value: unknown): unknown => replaceDeep(value, 0);

/** ASCII A–Z → a–z, everything else untouched (G5). */
export const foldAscii = (text: string): string => text.replace(/[A-Z]+/g, (run) => run.toLowerCase());

export const equalsIgnoringAsciiCase = (a: string, b: string): boolean => foldAscii(a) === foldAscii(b);

/** Ranks a UTF-16 unit so that surrogates sort above U+E000–FFFF, as their code points do. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Order by code point (G5); JavaScript's own `<` orders by UTF-16 unit. */
export function compareByCodePoint(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}
