// Text search over SQLite's FTS5: one table of words for each search index (embedded-convex §3.4).
import type { SearchIndex, Sql } from "./catalog.ts";
import { fieldAt } from "./storedJson.ts";
import type { StoredDocument } from "./words.ts";

/** As Convex documents them; more is refused, not cut. */
const SEARCH_WORDS_MAX = 16;

const WORDS = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;

const tableOf = (index: Pick<SearchIndex, "id">) => `search_${index.id}`;

/** Without the texts themselves: they are in the documents. */
export function createSearchRows(sql: Sql, index: Pick<SearchIndex, "id">): void {
  const tokenizer = "tokenize = 'unicode61 remove_diacritics 2'";
  sql(
    `CREATE VIRTUAL TABLE ${tableOf(index)} USING fts5(text, content = '', contentless_delete = 1, ${tokenizer})`,
  ).run();
}

export function dropSearchRows(sql: Sql, index: Pick<SearchIndex, "id">): void {
  sql(`DROP TABLE ${tableOf(index)}`).run();
}

/** Makes the words of document `seq` those of `is`; a field that is no text has none. */
export function writeSearchRow(
  sql: Sql,
  index: SearchIndex,
  seq: number,
  was: StoredDocument | null,
  is: StoredDocument | null,
): void {
  const [oldText, newText] = [textIn(index, was), textIn(index, is)];
  if (oldText === newText) return;
  if (oldText !== null) sql(`DELETE FROM ${tableOf(index)} WHERE rowid = ?`).run(seq);
  if (newText !== null) sql(`INSERT INTO ${tableOf(index)}(rowid, text) VALUES(?, ?)`).run(seq, newText);
}

function textIn(index: SearchIndex, document: StoredDocument | null): string | null {
  const text = document === null ? null : fieldAt(document, index.field);
  return typeof text === "string" ? text : null;
}

/**
 * The rows that hold any word of `text`, the last one also as the beginning of a word; best first, of equals the newest.
 * @throws Error for more than 16 words
 */
export function searchRows(sql: Sql, index: SearchIndex, text: string): readonly number[] {
  const words = text.match(WORDS) ?? [];
  if (words.length === 0) return [];
  if (words.length > SEARCH_WORDS_MAX) {
    throw new Error(`a search takes at most ${SEARCH_WORDS_MAX} words, got ${words.length}`);
  }
  // In quotes a word is only a word, never an operator of FTS5.
  const match = `${words.map((word) => `"${word}"`).join(" OR ")}*`;
  const table = tableOf(index);
  const rows = sql(`SELECT rowid AS seq FROM ${table} WHERE ${table} MATCH ? ORDER BY rank, rowid DESC`).all(match);
  return (rows as unknown as { readonly seq: number }[]).map((row) => row.seq);
}
