// A document as the file holds it: Convex JSON text. Pure.
import { type CommitTsPlaceholder, convexToJson, type JSONValue, jsonToConvex, type Value } from "convex/values";
import type { StoredDocument } from "./words.ts";

const PLACEHOLDER_JSON = '{"$commitTs":null}';
const INT64_MAX = 2n ** 63n - 1n;

/** `db.vars.commitTs`: the one object that stands for a timestamp not yet known (embedded-convex §3.2). */
export const COMMIT_TS = jsonToConvex({ $commitTs: null }) as CommitTsPlaceholder;

/** The text of a document, fields sorted; an unresolved commit timestamp stays one. */
export function textOf(document: StoredDocument): string {
  return JSON.stringify(convexToJson(document));
}

/** The document of a text that `textOf` made. */
export function documentOf(text: string): StoredDocument {
  const json = JSON.parse(text) as JSONValue;
  // Only values that JSON has no word for are written with a "$" key; without one the JSON is the value.
  return (text.includes('"$') ? jsonToConvex(json) : json) as StoredDocument;
}

/** Whether the document waits for the timestamp of its transaction. */
export function hasPlaceholder(text: string): boolean {
  // Quotes inside of strings are escaped, and no field may begin with "$": these characters mean nothing else.
  return text.includes(PLACEHOLDER_JSON);
}

/** The text with `ts` (ns) in place of each placeholder. */
export function withCommitTs(text: string, ts: bigint): string {
  return text.replaceAll(PLACEHOLDER_JSON, JSON.stringify(convexToJson(ts)));
}

/**
 * The document as its index keys see it: an unresolved timestamp sorts after everything committed, as `compareValues` of
 * convex/values has it (embedded-convex §3.2).
 */
export function documentForKeys(document: StoredDocument, text: string): StoredDocument {
  return hasPlaceholder(text) ? documentOf(withCommitTs(text, INT64_MAX)) : document;
}

/** The value at a path such as `state.kind`; undefined where there is none. */
export function fieldAt(document: StoredDocument, path: string): Value | undefined {
  if (!path.includes(".")) return Object.hasOwn(document, path) ? document[path] : undefined;
  let value: Value | undefined = document;
  for (const step of path.split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

/** The fields that the user wrote. */
export function withoutSystemFields(document: StoredDocument): { readonly [field: string]: Value | undefined } {
  const { _id, _creationTime, ...fields } = document;
  return fields;
}

/** A value of a range, a filter or a patch: `{"$undefined": null}` stands for a missing field. */
export function valueOrUndefined(json: JSONValue): Value | undefined {
  const isUndefined = typeof json === "object" && json !== null && !Array.isArray(json) && "$undefined" in json;
  return isUndefined ? undefined : jsonToConvex(json);
}

function isObject(value: Value | undefined): value is { [field: string]: Value | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ArrayBuffer);
}
