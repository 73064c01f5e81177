// What a write makes of a document, and whether it may be stored (embedded-convex §3.3, §3.8).
import type { JSONValue, Value } from "convex/values";
import { type Catalog, isSystemTable, type Table } from "./catalog.ts";
import { type NewDocument, newDocument } from "./documentRows.ts";
import { checkLimit } from "./limits.ts";
import { valueOrUndefined, withoutSystemFields } from "./storedJson.ts";
import { checkDocumentShape, checkValue } from "./validate.ts";
import { badFieldName, isFieldName, isPlainObject, isSystemField, showValue } from "./valueForms.ts";
import { parseValue } from "./valueJson.ts";
import type { StoredDocument } from "./words.ts";

interface Fields {
  readonly [field: string]: Value | undefined;
}

/** @throws Error for what is no object, or brings its own `_id` or `_creationTime` */
export function insertedFields(value: Value): Fields {
  const fields = fieldsOf(value);
  const given = Object.keys(fields).find(isSystemField);
  if (given !== undefined) throw new Error(`"${given}" is given by the host: leave it out of a new document`);
  return fields;
}

/** @param patch Convex JSON; `{"$undefined": null}` removes a field. @throws Error */
export function patchedDocument(before: StoredDocument, patch: JSONValue): StoredDocument {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) {
    throw new Error(`a patch must be an object, got ${showValue(patch)}`);
  }
  const fields: Record<string, Value | undefined> = { ...before };
  for (const [name, json] of Object.entries(patch)) {
    if (!isFieldName(name)) throw new Error(badFieldName(name));
    const isRemoved = valueOrUndefined(json) === undefined;
    if (isRemoved) delete fields[name];
    else fields[name] = parseValue(json, { allowsCommitTs: true });
  }
  return sameDocument(before, fields);
}

/** @throws Error */
export function replacedDocument(before: StoredDocument, value: Value): StoredDocument {
  const { _id, _creationTime } = before;
  return sameDocument(before, { _id, _creationTime, ...fieldsOf(value) });
}

/** Ready to be written. @throws Error when it does not match its table or is none; LimitError beyond 1 MiB */
export function checkedDocument(catalog: Catalog, table: Table, document: StoredDocument): NewDocument {
  // The host alone writes them, and has checked what it took in: arguments of jobs may be larger and deeper (§3.8).
  if (isSystemTable(table.name)) return newDocument(document);
  const fault = checkDocumentShape(document);
  if (fault !== null) throw new Error(`a document of table "${table.name}" cannot be stored: ${fault}`);
  const after = newDocument(document);
  checkLimit("documentBytes", after.size);
  if (table.validator === null) return after;
  const tableOf = (id: string) => catalog.tableOfId(table.component, id)?.name ?? null;
  const mismatch = checkValue(table.validator, withoutSystemFields(document), tableOf);
  if (mismatch === null) return after;
  const failed = `Failed to insert or update a document in table "${table.name}"`;
  throw new Error(`${failed} because it does not match the schema: ${mismatch}`);
}

function fieldsOf(value: Value): Fields {
  if (!isPlainObject(value)) throw new Error(`a document must be an object, got ${showValue(value)}`);
  return value;
}

function sameDocument(before: StoredDocument, after: Fields): StoredDocument {
  if (after["_id"] !== before._id || after["_creationTime"] !== before._creationTime) {
    throw new Error(`"_id" and "_creationTime" cannot be changed: expected those of ${before._id}`);
  }
  return after as StoredDocument;
}
