// The content of a Yjs document as the comparer's values: nothing that a client can see is lost, nothing else is there.
import * as Y from "yjs";
import { JsonNumber, type JsonObject, type JsonValue } from "../json/values.ts";

export const ROOT_TYPES = ["map", "array", "text", "xml"] as const;
export type RootType = (typeof ROOT_TYPES)[number];

/** Levels as JSON's (shadow N3); a document of 32 MiB has more nodes than a body. */
const LEVELS_MAX = 64;
const NODES_MAX = 2_000_000;
const SHORT_INTEGER_MAX = 999_999_999_999_999;
/** Before the names of what JSON has no word for; a key that begins with it gets another one. */
const MARK = "\u0000";

class TooLarge extends Error {}

/** Every root by its name; null: larger than it may be. Roots that nobody told of are read as what they hold. */
export function plainContent(doc: Y.Doc, roots: Readonly<Record<string, RootType>>): JsonObject | null {
  const reader = new Reader();
  const names = [...new Set([...Object.keys(roots), ...doc.share.keys()])];
  try {
    return objectOf(
      names.map((name) => {
        const type = Object.hasOwn(roots, name) ? roots[name] : undefined;
        return [name, reader.type(rootOf(doc, name, type), 1)];
      }),
    );
  } catch (error) {
    if (error instanceof TooLarge) return null;
    throw error;
  }
}

function rootOf(doc: Y.Doc, name: string, type: RootType | undefined): unknown {
  switch (type) {
    case "map":
      return doc.getMap(name);
    case "array":
      return doc.getArray(name);
    case "text":
      return doc.getText(name);
    case "xml":
      return doc.getXmlFragment(name);
    default:
      return (doc.share.get(name)?._map.size ?? 0) > 0 ? doc.getMap(name) : doc.getArray(name);
  }
}

type Entry = readonly [key: string, value: JsonValue];

/** `__proto__` is a key like any other. */
function objectOf(entries: Iterable<Entry>): JsonObject {
  const members: Record<string, JsonValue> = {};
  for (const [key, value] of entries) {
    if (key !== "__proto__") members[key] = value;
    else Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return members;
}

const marked = (name: string, value: JsonValue): JsonObject => objectOf([[`${MARK}${name}`, value]]);

class Reader {
  #nodes = 0;

  #enter(level: number): void {
    this.#nodes += 1;
    if (this.#nodes > NODES_MAX || level > LEVELS_MAX) throw new TooLarge();
  }

  /** A shared type: as the plain value that its application would see. */
  type(type: unknown, level: number): JsonValue {
    this.#enter(level);
    if (type instanceof Y.Map) return this.#members(type.entries(), level);
    if (type instanceof Y.Array) return type.toArray().map((item) => this.value(item, level + 1));
    if (type instanceof Y.XmlElement) return this.#element(type as Y.XmlElement, level);
    if (type instanceof Y.XmlHook)
      return objectOf([
        ["hook", type.hookName],
        ["members", this.#members(type.entries(), level)],
      ]);
    if (type instanceof Y.XmlFragment) return this.#children(type, level);
    if (type instanceof Y.Text) return this.#text(type, level);
    return marked("type", type?.constructor.name ?? "none");
  }

  #element(element: Y.XmlElement, level: number): JsonValue {
    return objectOf([
      ["name", element.nodeName],
      ["attributes", this.#members(Object.entries(element.getAttributes()), level)],
      ["children", this.#children(element, level)],
    ]);
  }

  #children(fragment: Y.XmlFragment, level: number): JsonValue {
    return fragment.toArray().map((child) => this.type(child, level + 1));
  }

  /** Without formats just the text. Marks that change nothing split a text in parts; they are put together again. */
  #text(text: Y.Text, level: number): JsonValue {
    const parts: { insert: JsonValue; attributes: JsonValue | null; told: string }[] = [];
    for (const { insert, attributes } of text.toDelta() as { insert: unknown; attributes?: object }[]) {
      const told = attributes === undefined ? "" : JSON.stringify(Object.entries(attributes).sort());
      const last = parts.at(-1);
      if (typeof insert === "string" && typeof last?.insert === "string" && last.told === told) last.insert += insert;
      else
        parts.push({
          insert: this.value(insert, level + 1),
          attributes: attributes === undefined ? null : this.value(attributes, level + 1),
          told,
        });
    }
    if (parts.length === 0) return "";
    const [only] = parts;
    if (parts.length === 1 && only?.attributes === null && typeof only.insert === "string") return only.insert;
    return parts.map(({ insert, attributes }) =>
      objectOf([["insert", insert], ...(attributes === null ? [] : [["attributes", attributes] as const])]),
    );
  }

  #members(entries: Iterable<readonly [key: string, value: unknown]>, level: number): JsonObject {
    const read: Entry[] = [];
    for (const [key, value] of entries) {
      read.push([key.startsWith(MARK) ? MARK + key : key, this.value(value, level + 1)]);
    }
    return objectOf(read);
  }

  value(value: unknown, level: number): JsonValue {
    this.#enter(level);
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        return numberOf(value);
      case "bigint":
        return new JsonNumber(String(value));
      case "object":
        return value === null ? null : this.#object(value, level);
      default:
        return marked("undefined", null);
    }
  }

  #object(value: object, level: number): JsonValue {
    if (value instanceof Uint8Array) {
      return marked("bytes", Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64"));
    }
    if (value instanceof Y.AbstractType) return this.type(value, level);
    if (value instanceof Y.Doc) return marked("document", value.guid);
    if (Array.isArray(value)) return value.map((item) => this.value(item, level + 1));
    return this.#members(Object.entries(value), level);
  }
}

/** As it would be written; `-0`, fractions and what is no number keep their text. */
const numberOf = (value: number): number | JsonNumber =>
  Number.isInteger(value) && Math.abs(value) <= SHORT_INTEGER_MAX && !Object.is(value, -0)
    ? value
    : new JsonNumber(Object.is(value, -0) ? "-0" : String(value));
