// Reads a JSON body without losing anything that a comparison needs (shadow N1, N3). Own code, because no parser within reach
// keeps numbers as text, knows limits, and reads on where Python writes `NaN`.
import { JsonNumber, type JsonValue } from "./values.ts";

/** shadow N3. */
export const JSON_LIMITS = { levels: 64, nodes: 200_000, bytes: 16 * 1_048_576 } as const;

/** What a body has that JSON does not allow, that parsers read differently, or that can be written in several ways. */
export type JsonNote = "invalid-number" | "duplicate-key" | "escape";

export type JsonReading =
  | { readonly value: JsonValue; readonly notes: ReadonlySet<JsonNote> }
  | { readonly undecodable: string };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const INTEGER_DIGITS_MAX = 15;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Written by Python and by JavaScript libraries, and no JSON (RFC 8259 §6). */
const NO_NUMBER = /NaN|-?Infinity/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class Unreadable extends Error {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads bytes or text as JSON; never throws. */
export function readJson(body: Uint8Array | string): JsonReading {
  if (body.length > JSON_LIMITS.bytes) return { undecodable: `longer than ${JSON_LIMITS.bytes} bytes` };
  let text: string;
  try {
    text = typeof body === "string" ? body : utf8.decode(body);
  } catch {
    return { undecodable: "not UTF-8" };
  }
  const reader = new Reader(text);
  try {
    return { value: reader.readAll(), notes: reader.notes };
  } catch (error) {
    if (error instanceof Unreadable) return { undecodable: error.message };
    throw error;
  }
}

class Reader {
  readonly notes = new Set<JsonNote>();
  readonly #text: string;
  #at = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readAll(): JsonValue {
    const value = this.#value(1);
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw new Unreadable(`something behind the value at ${this.#at}`);
    return value;
  }

  #value(level: number): JsonValue {
    this.#skipBlanks();
    if (++this.#nodes > JSON_LIMITS.nodes) throw new Unreadable(`more than ${JSON_LIMITS.nodes} values`);
    switch (this.#text[this.#at]) {
      case '"':
        return this.#string();
      case "{":
        return this.#object(level);
      case "[":
        return this.#array(level);
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #word<T extends boolean | null>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("a value");
    this.#at += word.length;
    return value;
  }

  #enter(level: number): number {
    if (level > JSON_LIMITS.levels) throw new Unreadable(`nested deeper than ${JSON_LIMITS.levels} levels`);
    this.#at++;
    return level + 1;
  }

  #array(level: number): JsonValue {
    const inner = this.#enter(level);
    const items: JsonValue[] = [];
    if (this.#isNext("]")) return items;
    for (;;) {
      items.push(this.#value(inner));
      if (this.#isNext("]")) return items;
      this.#expect(",");
    }
  }

  #object(level: number): JsonValue {
    const inner = this.#enter(level);
    const members: Record<string, JsonValue> = {};
    if (this.#isNext("}")) return members;
    for (;;) {
      this.#skipBlanks();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#fail("a key");
      const key = this.#string();
      this.#expect(":");
      const value = this.#value(inner);
      if (Object.hasOwn(members, key)) this.notes.add("duplicate-key");
      // As every parser in use here the last one counts; `__proto__` is a key like any other.
      if (key === "__proto__") {
        Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
      } else members[key] = value;
      if (this.#isNext("}")) return members;
      this.#expect(",");
    }
  }

  #isNext(end: string): boolean {
    this.#skipBlanks();
    if (this.#text[this.#at] !== end) return false;
    this.#at++;
    return true;
  }

  #expect(mark: string): void {
    this.#skipBlanks();
    if (this.#text[this.#at] !== mark) this.#fail(`"${mark}"`);
    this.#at++;
  }

  #string(): string {
    const text = this.#text;
    const start = ++this.#at;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return text.slice(start, at);
      }
      if (code === BACKSLASH) return this.#escaped(start, at);
      if (code < 0x20) break;
    }
    return this.#fail("the end of a text");
  }

  #escaped(start: number, first: number): string {
    const text = this.#text;
    let read = text.slice(start, first);
    let plain = first;
    this.notes.add("escape");
    for (let at = first; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code < 0x20) break;
      if (code === QUOTE) {
        this.#at = at + 1;
        return read + text.slice(plain, at);
      }
      if (code !== BACKSLASH) continue;
      read += text.slice(plain, at);
      this.#at = at + 1;
      read += this.#escape();
      plain = this.#at;
      at = plain - 1;
    }
    return this.#fail("the end of a text");
  }

  #escape(): string {
    const mark = this.#text[this.#at++] ?? "";
    if (mark === "u") {
      const digits = this.#text.slice(this.#at, this.#at + 4);
      if (!/^[\da-fA-F]{4}$/.test(digits)) this.#fail("four hexadecimal digits");
      this.#at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    return ESCAPES[mark] ?? this.#fail("an escape");
  }

  #number(): number | JsonNumber {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) return this.#noNumber();
    this.#at += text.length;
    return isShortInteger(text) ? Number(text) : new JsonNumber(text);
  }

  #noNumber(): JsonNumber {
    NO_NUMBER.lastIndex = this.#at;
    const text = NO_NUMBER.exec(this.#text)?.[0];
    if (text === undefined) return this.#fail("a value");
    this.#at += text.length;
    this.notes.add("invalid-number");
    return new JsonNumber(text);
  }

  #fail(expected: string): never {
    const found = this.#at >= this.#text.length ? "the end" : "something else";
    throw new Unreadable(`expected ${expected} at ${this.#at}, found ${found}`);
  }
}

/** Not `-0`, which a JavaScript number keeps and a comparison would not see. */
function isShortInteger(text: string): boolean {
  const isNegative = text.charCodeAt(0) === MINUS;
  const digits = isNegative ? text.length - 1 : text.length;
  if (digits > INTEGER_DIGITS_MAX || text === "-0") return false;
  for (let at = isNegative ? 1 : 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}
