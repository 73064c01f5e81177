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
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const LIST = 0x5b;
const BACKSLASH = 0x5c;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const [F, N, T] = [0x66, 0x6e, 0x74];
const INTEGER_DIGITS_MAX = 15;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Written by Python and by JavaScript libraries, and no JSON (RFC 8259 §6). */
const NO_NUMBER = /NaN|-?Infinity/y;
class Unreadable extends Error {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How many values may still be read: one for all texts of a body that holds several. */
export interface Allowance {
  nodes: number;
}

export const fullAllowance = (): Allowance => ({ nodes: JSON_LIMITS.nodes });

/** Reads bytes or text as JSON; never throws. */
export function readJson(body: Uint8Array | string, allowance: Allowance = fullAllowance()): JsonReading {
  if (body.length > JSON_LIMITS.bytes) return { undecodable: `longer than ${JSON_LIMITS.bytes} bytes` };
  let text: string;
  try {
    text = typeof body === "string" ? body : utf8.decode(body);
  } catch {
    return { undecodable: "not UTF-8" };
  }
  const reader = new Reader(text, allowance);
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
  readonly #allowance: Allowance;
  /** By level, the keys of the last object there, each once and none with an escape. */
  readonly #shapes: string[][] = [];
  #at = 0;

  constructor(text: string, allowance: Allowance) {
    this.#text = text;
    this.#allowance = allowance;
  }

  readAll(): JsonValue {
    const value = this.#value(1);
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw new Unreadable(`something behind the value at ${this.#at}`);
    return value;
  }

  #value(level: number): JsonValue {
    this.#skipBlanks();
    if (--this.#allowance.nodes < 0) throw new Unreadable(`more than ${JSON_LIMITS.nodes} values`);
    switch (this.#text.charCodeAt(this.#at)) {
      case QUOTE:
        return this.#string();
      case OBJECT:
        return this.#object(level);
      case LIST:
        return this.#array(level);
      case T:
        return this.#word("true", true);
      case F:
        return this.#word("false", false);
      case N:
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code > 0x20 || (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09)) return;
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
    if (this.#isNext(LIST_END)) return items;
    for (;;) {
      items.push(this.#value(inner));
      if (this.#isLast(LIST_END)) return items;
    }
  }

  #object(level: number): JsonValue {
    const inner = this.#enter(level);
    const members: Record<string, JsonValue> = {};
    if (this.#isNext(OBJECT_END)) return members;
    const shape = (this.#shapes[level] ??= []);
    for (let at = 0, isAsBefore = true; ; at++) {
      this.#skipBlanks();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#fail("a key");
      const expected = isAsBefore ? shape[at] : undefined;
      if (expected !== undefined && this.#isQuoted(expected)) {
        this.#expect(COLON);
        members[expected] = this.#value(inner);
      } else {
        isAsBefore = this.#member(members, inner, isAsBefore ? shape : null, at);
      }
      if (this.#isLast(OBJECT_END)) return members;
    }
  }

  /** Most objects of a list have the same keys in the same order: each is then found by looking, and comes once. */
  #isQuoted(key: string): boolean {
    const end = this.#at + 1 + key.length;
    if (this.#text.charCodeAt(end) !== QUOTE || !this.#text.startsWith(key, this.#at + 1)) return false;
    this.#at = end + 1;
    return true;
  }

  /** @param shape the keys so far, to be continued; gives whether it was */
  #member(members: Record<string, JsonValue>, level: number, shape: string[] | null, at: number): boolean {
    const start = this.#at + 1;
    const key = this.#string();
    const isAsWritten = this.#at === start + key.length + 1;
    this.#expect(COLON);
    if (shape !== null) shape.length = at;
    const value = this.#value(level);
    const isTwice = members[key] !== undefined && Object.hasOwn(members, key);
    if (isTwice) this.notes.add("duplicate-key");
    // As every parser in use here the last one counts; `__proto__` is a key like any other.
    if (key === "__proto__") {
      Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
      return false;
    }
    members[key] = value;
    if (shape === null || isTwice || !isAsWritten) return false;
    shape.push(key);
    return true;
  }

  #isNext(end: number): boolean {
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) !== end) return false;
    this.#at++;
    return true;
  }

  /** Of a list or an object; otherwise there is more behind a comma. */
  #isLast(end: number): boolean {
    this.#skipBlanks();
    const code = this.#text.charCodeAt(this.#at++);
    if (code === COMMA) return false;
    if (code === end) return true;
    this.#at--;
    return this.#fail('","');
  }

  #expect(mark: number): void {
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) !== mark) this.#fail(`"${String.fromCharCode(mark)}"`);
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

  /** A text by itself is what JSON.parse does best; it knows every escape, and refuses what is none. */
  #escaped(start: number, first: number): string {
    const text = this.#text;
    this.notes.add("escape");
    let end = first;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === BACKSLASH) end++;
      else if (code === QUOTE) break;
    }
    if (end >= text.length) return this.#fail("the end of a text");
    this.#at = end + 1;
    try {
      return JSON.parse(text.slice(start - 1, end + 1)) as string;
    } catch {
      return this.#fail("the end of a text, or an escape,");
    }
  }

  #number(): number | JsonNumber {
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) return this.#noNumber();
    const text = this.#text.slice(this.#at, NUMBER.lastIndex);
    this.#at = NUMBER.lastIndex;
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
