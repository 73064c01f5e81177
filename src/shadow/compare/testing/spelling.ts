// JSON texts in other spellings that say the same, made from what JSON.parse says of a text: nothing of our own reader is in it.

/** A number as it was written. */
export class Spelled {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

export type Parsed = null | boolean | string | Spelled | readonly Parsed[] | ParsedObject;
/** Without a prototype: `constructor` and `__proto__` are keys like any other. */
export interface ParsedObject {
  readonly [key: string]: Parsed;
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** @throws SyntaxError for what is no JSON */
export function parsed(text: string): Parsed {
  const revive: Reviver = (_, value, { source }) => {
    if (typeof value === "number") return new Spelled(source ?? String(value));
    if (typeof value !== "object" || value === null || value instanceof Spelled || Array.isArray(value)) return value;
    return Object.assign(Object.create(null), value) as unknown;
  };
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as Parsed;
}

export const isParsedObject = (value: Parsed): value is ParsedObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Spelled);

/** Every member in turn from the last to the first, every character of a text as an escape, every number with an exponent. */
export function respelled(value: Parsed): string {
  if (value instanceof Spelled) return respelledNumber(value.source);
  if (typeof value === "string") return escaped(value);
  if (Array.isArray(value)) return `[ ${value.map(respelled).join(" ,\t")}\n]`;
  if (!isParsedObject(value)) return `\r\n${JSON.stringify(value)} `;
  const members = Object.keys(value).toReversed();
  return `{${members.map((key) => ` ${escaped(key)} : ${respelled(value[key] as Parsed)}`).join(",")} }`;
}

const escaped = (text: string): string =>
  `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;

function respelledNumber(source: string): string {
  const [, head = "", exponent = "0"] = /^([^eE]+)(?:[eE](.+))?$/.exec(source) ?? [];
  const point = head.includes(".") ? "0" : ".0";
  return `${head}${point}E${BigInt(exponent) < 0n ? "" : "+"}${BigInt(exponent)}`;
}

/** The same with one thing in it changed: its first scalar, or of what has none its first list or object. */
export function changed(value: Parsed): string {
  let isChanged = false;
  const change = (instead: string, unchanged: string): string => {
    if (isChanged) return unchanged;
    isChanged = true;
    return instead;
  };
  const write = (one: Parsed): string => {
    if (one instanceof Spelled) return change(one.source.replace(/^-?/, "$&1"), one.source);
    if (typeof one === "string") return change(JSON.stringify(`${one}.`), JSON.stringify(one));
    if (Array.isArray(one)) return one.length === 0 ? change("[0]", "[]") : `[${one.map(write).join()}]`;
    if (!isParsedObject(one)) return change('"changed"', JSON.stringify(one));
    const keys = Object.keys(one);
    if (keys.length === 0) return change('{"added":0}', "{}");
    return `{${keys.map((key) => `${JSON.stringify(key)}:${write(one[key] as Parsed)}`).join()}}`;
  };
  return write(value);
}
