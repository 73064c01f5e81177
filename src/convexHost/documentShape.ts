// What a document may be (embedded-convex §3.8). Pure; messages are for developers.
import { CommitTsPlaceholder, type Value } from "convex/values";
import { LIMITS } from "./limits.ts";
import {
  badFieldName,
  isFieldName,
  isInt64,
  isPlainObject,
  isSystemField,
  showField,
  showValue,
} from "./valueForms.ts";

/**
 * null when `value` may be stored as a document (embedded-convex §3.8): an object whose containers nest at most 16 deep,
 * objects of at most 1,024 fields (a document's system fields not counted), arrays of at most 8,192 elements, names as `isFieldName`, strings of whole characters;
 * else a message. The size in bytes is the caller's to check.
 */
export function checkDocumentShape(value: Value): string | null {
  if (!isPlainObject(value)) return `A document must be an object, got ${showValue(value)}`;
  const found = shapeFault(value, 1);
  return found === null ? null : tellFault(found);
}

interface Fault {
  /** Steps from the inside out. */
  readonly path: (string | number)[];
  readonly text: string;
}

function tellFault({ path, text }: Fault): string {
  return path.length === 0 ? text : `${text}\nPath: ${path.toReversed().map(showField).join("")}`;
}

function shapeFault(value: unknown, depth: number): Fault | null {
  if (typeof value === "string" && !value.isWellFormed()) return fault("String has half a surrogate pair: not Unicode");
  if (typeof value === "bigint" && !isInt64(value)) return fault(`${showValue(value)} does not fit into an int64`);
  if (Array.isArray(value)) return depth > LIMITS.documentDepth ? tooDeep() : arrayFault(value, depth);
  if (isPlainObject(value)) return depth > LIMITS.documentDepth ? tooDeep() : objectFault(value, depth);
  return isStorable(value) ? null : fault(`${showValue(value)} cannot be stored`);
}

function isStorable(value: unknown): boolean {
  if (typeof value === "object") {
    return value === null || value instanceof ArrayBuffer || value instanceof CommitTsPlaceholder;
  }
  return ["string", "number", "bigint", "boolean"].includes(typeof value);
}

function arrayFault(items: readonly unknown[], depth: number): Fault | null {
  if (items.length > LIMITS.arrayElements) {
    return fault(`Array has ${items.length} elements, at most ${LIMITS.arrayElements} allowed`);
  }
  for (let index = 0; index < items.length; index++) {
    const found = shapeFault(items[index], depth + 1);
    if (found !== null) return faultUnder(index, found);
  }
  return null;
}

function objectFault(fields: Readonly<Record<string, unknown>>, depth: number): Fault | null {
  const names = Object.keys(fields).filter((name) => fields[name] !== undefined);
  const own = depth > 1 ? names.length : names.filter((name) => !isSystemField(name)).length;
  if (own > LIMITS.documentFields) return fault(`Object has ${own} fields, at most ${LIMITS.documentFields} allowed`);
  for (const name of names) {
    if (!isFieldName(name)) return fault(badFieldName(name));
    const found = shapeFault(fields[name], depth + 1);
    if (found !== null) return faultUnder(name, found);
  }
  return null;
}

function tooDeep(): Fault {
  return fault(`Document nests deeper than ${LIMITS.documentDepth} levels of objects and arrays`);
}

function fault(text: string): Fault {
  return { path: [], text };
}

function faultUnder(step: string | number, found: Fault): Fault {
  found.path.push(step);
  return found;
}
