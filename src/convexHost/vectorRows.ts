// Vectors of length one, compared one by one: exact, not approximate (embedded-convex §3.4).
import { convexToJson, type JSONValue, jsonToConvex, type Value } from "convex/values";
import type { Sql, VectorIndex } from "./catalog.ts";
import type { FieldReader } from "./filterExpressions.ts";
import { fieldAt } from "./storedJson.ts";
import type { StoredDocument } from "./words.ts";

export const VECTORS_SQL = `
  CREATE TABLE IF NOT EXISTS vectors(idx INTEGER NOT NULL, doc INTEGER NOT NULL, unit BLOB NOT NULL, filters TEXT NOT NULL,
    PRIMARY KEY(idx, doc)) WITHOUT ROWID;`;

export interface VectorMatch {
  readonly seq: number;
  /** Cosine, -1 to 1; 32-bit floats are stored, so it is exact to about 1e-7. */
  readonly score: number;
}

interface VectorRow {
  readonly unit: Uint8Array;
  readonly filters: string;
}

/** A field that is not a list of numbers of the right length has no vector. */
export function writeVectorRow(
  sql: Sql,
  index: VectorIndex,
  seq: number,
  was: StoredDocument | null,
  is: StoredDocument | null,
): void {
  const [oldRow, newRow] = [rowOf(index, was), rowOf(index, is)];
  if (newRow === null) {
    if (oldRow !== null) dropRow(sql, index, seq);
    return;
  }
  if (oldRow !== null && oldRow.filters === newRow.filters && Buffer.compare(oldRow.unit, newRow.unit) === 0) return;
  const put = sql("INSERT OR REPLACE INTO vectors(idx, doc, unit, filters) VALUES(?, ?, ?, ?)");
  put.run(index.id, seq, newRow.unit, newRow.filters);
}

function dropRow(sql: Sql, index: VectorIndex, seq: number): void {
  sql("DELETE FROM vectors WHERE idx = ? AND doc = ?").run(index.id, seq);
}

export function dropVectorRows(sql: Sql, index: Pick<VectorIndex, "id">): void {
  sql("DELETE FROM vectors WHERE idx = ?").run(index.id);
}

function rowOf(index: VectorIndex, document: StoredDocument | null): VectorRow | null {
  if (document === null) return null;
  const vector = fieldAt(document, index.field);
  if (!Array.isArray(vector) || vector.length !== index.dimensions) return null;
  if (!vector.every((part) => typeof part === "number")) return null;
  const unit = unitOf(vector);
  const filters: Record<string, Value> = {};
  for (const path of index.filters) {
    const value = fieldAt(document, path);
    if (value !== undefined) filters[path] = value;
  }
  return { unit: new Uint8Array(unit.buffer), filters: JSON.stringify(convexToJson(filters)) };
}

/** The vector with length one; one without a length, or with an endless one, becomes zero and is like none. */
function unitOf(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  const hasDirection = length > 0 && Number.isFinite(length);
  return Float32Array.from(vector, (part) => (hasDirection ? part / length : 0));
}

/** The `limit` rows most like `vector`, best first, of equals the oldest; `isKept` sees the filter fields. */
export function searchVectors(
  sql: Sql,
  index: VectorIndex,
  vector: readonly number[],
  options: { readonly limit: number; readonly isKept: ((read: FieldReader) => boolean) | null },
): readonly VectorMatch[] {
  const wanted = unitOf(vector);
  const best: VectorMatch[] = [];
  const rows = sql("SELECT doc AS seq, unit, filters FROM vectors WHERE idx = ? ORDER BY doc").iterate(index.id);
  for (const row of rows as unknown as Iterable<VectorRow & { readonly seq: number }>) {
    if (options.isKept !== null && !options.isKept(readerOf(row.filters))) continue;
    const score = dot(wanted, floatsOf(row.unit));
    const worst = best.at(-1);
    if (best.length === options.limit && worst !== undefined && score <= worst.score) continue;
    best.splice(placeOf(best, score), 0, { seq: row.seq, score });
    if (best.length > options.limit) best.pop();
  }
  return best;
}

function readerOf(filters: string): FieldReader {
  const values = jsonToConvex(JSON.parse(filters) as JSONValue) as Record<string, Value>;
  return (path) => (Object.hasOwn(values, path) ? values[path] : undefined);
}

function floatsOf(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / Float32Array.BYTES_PER_ELEMENT);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Behind all that score at least as much. */
function placeOf(best: readonly VectorMatch[], score: number): number {
  let at = best.length;
  while (at > 0 && (best[at - 1] as VectorMatch).score < score) at -= 1;
  return at;
}
