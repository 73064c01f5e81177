// How a snapshot lies in its folder: one JSON Lines file per table and the files, as `npx convex export` unpacks and
// `npx convex import` reads it when zipped (embedded-convex §3.11). Pure.
import { type JSONValue, jsonToConvex } from "convex/values";
import { type NewDocument, newDocument } from "./documentRows.ts";
import { checkDocumentShape } from "./documentShape.ts";
import { tableNumberOf } from "./ids.ts";
import { checkLimit } from "./limits.ts";
import type { StoredDocument } from "./words.ts";

export const DOCUMENTS_FILE = "documents.jsonl";
export const TABLES_FOLDER = "_tables";
export const STORAGE_TABLE = "_storage";
export const COMPONENTS_FOLDER = "_components";
/** Beside the documents of a table in Convex's own exports, and on top of them: says nothing that is needed here. */
export const IGNORED_FILES: readonly string[] = ["generated_schema.jsonl", "README.md", ".DS_Store"];

export const README = `A snapshot of an embedded host (Convex-compatible).

<table>/documents.jsonl   one document per line as Convex JSON, with _id and _creationTime
_storage/                 the files, named after their ids, and documents.jsonl about them
_tables/documents.jsonl   the number of each table, which its ids contain
_components/<name>/       the same for each component

To a Convex deployment:      cd <this folder> && zip -r ../snapshot.zip . && npx convex import ../snapshot.zip
To another embedded host:    switchyard convex import <this folder>

Scheduled functions, the times of crons and keys are not part of a snapshot.
`;

export interface SnapshotSize {
  readonly tables: number;
  readonly documents: number;
  readonly files: number;
}

/** A table's line in `_tables/documents.jsonl`. */
export interface TableLine {
  readonly name: string;
  /** Its number. */
  readonly id: number;
}

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Whether it may be the name of a user's table, of a component, and so of a folder. */
export function isSnapshotName(name: string): boolean {
  return NAME.test(name);
}

/** The folders below the root that hold a component's tables: `a/b` lies in `_components/a/_components/b`. */
export function foldersOfComponent(component: string): readonly string[] {
  const names = component === "" ? [] : component.split("/");
  for (const name of names) {
    if (!isSnapshotName(name)) throw new Error(`component ${JSON.stringify(component)}: its name cannot be a folder's`);
  }
  return names.flatMap((name) => [COMPONENTS_FOLDER, name]);
}

/** Reads a line of `_tables/documents.jsonl`; null for a system table that no snapshot holds. @throws Error */
export function parseTableLine(text: string): TableLine | null {
  const { name, id } = parseObject(text);
  const isKnown = typeof name === "string" && (isSnapshotName(name) || name.startsWith("_"));
  if (!isKnown) throw new Error(`name: expected a table's name, got ${JSON.stringify(name)}`);
  if (typeof id !== "number" || !Number.isInteger(id) || id < 1 || id > 0xffff_ffff) {
    throw new Error(`id: expected a table's number, got ${JSON.stringify(id)}`);
  }
  return name.startsWith("_") && name !== STORAGE_TABLE ? null : { name, id };
}

/** Reads a line of a table's documents, ready to be written. @throws Error saying what was expected; LimitError beyond 1 MiB */
export function parseDocumentLine(text: string, tableNumber: number): NewDocument {
  const document = jsonToConvex(parseObject(text)) as StoredDocument;
  const { _id: id, _creationTime: creationTime } = document as { _id?: unknown; _creationTime?: unknown };
  const found = typeof id === "string" ? tableNumberOf(id) : null;
  if (found !== tableNumber) {
    const got = found === null ? "" : `, which is of table ${found}`;
    throw new Error(`_id: expected an id of table ${tableNumber}, got ${JSON.stringify(id)}${got}`);
  }
  if (typeof creationTime !== "number" || !Number.isFinite(creationTime)) {
    throw new Error(`_creationTime: expected epoch ms, got ${JSON.stringify(creationTime)}`);
  }
  const fault = checkDocumentShape(document);
  if (fault !== null) throw new Error(fault);
  const row = newDocument(document);
  checkLimit("documentBytes", row.size);
  return row;
}

function parseObject(text: string): { readonly [name: string]: JSONValue } {
  const json = JSON.parse(text) as JSONValue;
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  throw new Error(`expected an object, got ${JSON.stringify(json).slice(0, 100)}`);
}
