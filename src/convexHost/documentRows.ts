// The rows of one document: itself, and its entries in each index of its table. Knows nothing of rules or limits.
import { getDocumentSize, type Value } from "convex/values";
import type { RangeIndex, Sql, Table } from "./catalog.ts";
import { compareKeys, encodeKey } from "./order.ts";
import { createSearchRows, writeSearchRow } from "./searchRows.ts";
import { documentForKeys, documentOf, fieldAt, textOf } from "./storedJson.ts";
import { writeVectorRow } from "./vectorRows.ts";
import type { StoredDocument, TouchedKey } from "./words.ts";

export const DOCUMENTS_SQL = `
  CREATE TABLE IF NOT EXISTS documents(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
    json TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS entries(idx INTEGER NOT NULL, key BLOB NOT NULL, doc INTEGER NOT NULL,
    PRIMARY KEY(idx, key)) WITHOUT ROWID;`;

/** A document in the file. */
export interface DocumentRow {
  /** The row's number: what index entries point at. */
  readonly seq: number;
  /** Bytes as `getDocumentSize` of convex/values counts them. */
  readonly size: number;
  readonly json: string;
}

/** A document to be written. */
export interface NewDocument {
  readonly document: StoredDocument;
  readonly json: string;
  readonly size: number;
}

export interface RowChange {
  readonly table: Table;
  readonly id: string;
  /** null: it is new. */
  readonly before: DocumentRow | null;
  /** null: it goes. */
  readonly after: NewDocument | null;
}

const NO_SEQ = -1;
const utf8 = new TextEncoder();

/** Index 0 is that of ids: what `db.get` reads (words.ts). */
export function keyOfId(id: string): TouchedKey {
  return { index: 0, key: utf8.encode(id) };
}

export function loadDocument(sql: Sql, id: string): DocumentRow | null {
  const row = sql("SELECT seq, size, json FROM documents WHERE id = ?").get(id);
  return (row as unknown as DocumentRow | undefined) ?? null;
}

/** @throws Error where a value is none that Convex knows */
export function newDocument(document: StoredDocument): NewDocument {
  return { document, json: textOf(document), size: getDocumentSize(document as Record<string, Value>) };
}

/** Writes all rows of a change; `touch` is told every key that is new, gone, or leads to other contents. */
export function writeDocument(sql: Sql, change: RowChange, touch: (touched: TouchedKey) => void): void {
  const { table, id, before, after } = change;
  const was = before === null ? null : documentForKeys(documentOf(before.json), before.json);
  const is = after === null ? null : documentForKeys(after.document, after.json);
  if (was === null && is === null) return;
  const seq = writeContents(sql, change);
  touch(keyOfId(id));
  for (const index of table.ranges) {
    const [oldKey, newKey] = [was === null ? null : indexKey(index, was), is === null ? null : indexKey(index, is)];
    const isMoved = oldKey === null || newKey === null || compareKeys(oldKey, newKey) !== 0;
    if (isMoved && oldKey !== null) sql("DELETE FROM entries WHERE idx = ? AND key = ?").run(index.id, oldKey);
    if (isMoved && newKey !== null)
      sql("INSERT INTO entries(idx, key, doc) VALUES(?, ?, ?)").run(index.id, newKey, seq);
    if (oldKey !== null) touch({ index: index.id, key: oldKey });
    if (isMoved && newKey !== null) touch({ index: index.id, key: newKey });
  }
  for (const index of table.searches) writeSearchRow(sql, index, seq, was, is);
  for (const index of table.vectors) writeVectorRow(sql, index, seq, was, is);
}

function writeContents(sql: Sql, { id, before, after }: RowChange): number {
  if (after === null) {
    sql("DELETE FROM documents WHERE seq = ?").run(before?.seq ?? NO_SEQ);
    return before?.seq ?? NO_SEQ;
  }
  if (before === null) {
    const inserted = sql("INSERT INTO documents(id, size, json) VALUES(?, ?, ?)").run(id, after.size, after.json);
    return Number(inserted.lastInsertRowid);
  }
  sql("UPDATE documents SET size = ?, json = ? WHERE seq = ?").run(after.size, after.json, before.seq);
  return before.seq;
}

/** The key of a document in an index; a missing field sorts as `undefined` (embedded-convex §3.3). */
export function indexKey(index: RangeIndex, document: StoredDocument): Uint8Array {
  const values = index.fields.map((path) => fieldAt(document, path));
  if (!index.fields.includes("_id")) values.push(document._creationTime, document._id);
  return encodeKey(values);
}

/** A document met while walking through a table. */
export interface WalkedDocument extends DocumentRow {
  readonly id: string;
}

const WALK_ROWS = 256;

/** All documents of a table in the order of their creation, a few at a time: rows may be written meanwhile. */
export function* walkDocuments(sql: Sql, table: Table): Generator<WalkedDocument> {
  const chunk = sql(
    `SELECT e.key AS key, d.seq AS seq, d.id AS id, d.size AS size, d.json AS json
     FROM entries e CROSS JOIN documents d ON d.seq = e.doc WHERE e.idx = ? AND e.key > ? ORDER BY e.key LIMIT ${WALK_ROWS}`,
  );
  let after: Uint8Array = new Uint8Array(0);
  for (;;) {
    const rows = chunk.all(table.byCreation.id, after) as unknown as (WalkedDocument & { readonly key: Uint8Array })[];
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < WALK_ROWS) return;
    after = last.key;
  }
}

export function countDocuments(sql: Sql, table: Table): number {
  const row = sql("SELECT count(*) AS count FROM entries WHERE idx = ?").get(table.byCreation.id);
  return Number((row as unknown as { readonly count: number }).count);
}

/** Fills a new index from the documents that are there; its row in the catalog exists already. */
export function fillIndexes(sql: Sql, table: Table, added: Pick<Table, "ranges" | "searches" | "vectors">): void {
  for (const index of added.searches) createSearchRows(sql, index);
  for (const { seq, json } of walkDocuments(sql, table)) {
    const document = documentForKeys(documentOf(json), json);
    for (const index of added.ranges) {
      sql("INSERT INTO entries(idx, key, doc) VALUES(?, ?, ?)").run(index.id, indexKey(index, document), seq);
    }
    for (const index of added.searches) writeSearchRow(sql, index, seq, null, document);
    for (const index of added.vectors) writeVectorRow(sql, index, seq, null, document);
  }
}
