// A JSON object as it comes out of a parser, before anything is known about it.

export type JsonObject = Readonly<Record<string, unknown>>;

/** Nothing that has a class: the shadow's reader keeps a number that no float holds in an object of its own. */
export function isObject(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
