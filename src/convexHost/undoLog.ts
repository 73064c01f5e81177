// What a transaction has written over: with it, its own start can be looked at again (embedded-convex §3.2, `useStaleSnapshot`).
import type { Sql, Table } from "./catalog.ts";
import { type DocumentRow, loadDocument, newDocument, writeDocument } from "./documentRows.ts";
import { documentOf } from "./storedJson.ts";

interface Image {
  readonly table: Table;
  readonly id: string;
  /** The text before the write; null: there was none. */
  readonly json: string | null;
}

/**
 * The transactions before this one in the same group are not committed yet, so no other connection sees what this one began
 * with. The way back is therefore real: within a savepoint the old documents are written back, indexes and all, and rolling
 * that back is the way forward again. It costs something only when a stale snapshot is read after a write.
 */
export class UndoLog {
  readonly #sql: Sql;
  readonly #images: Image[] = [];
  #isAtStart = false;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  get length(): number {
    return this.#images.length;
  }

  record(table: Table, id: string, before: DocumentRow | null): void {
    this.#images.push({ table, id, json: before?.json ?? null });
  }

  /** A nested call was rolled back: what it wrote over is there again. */
  cut(length: number): void {
    this.#images.length = length;
  }

  goToStart(): void {
    if (this.#isAtStart || this.#images.length === 0) return;
    this.#sql("SAVEPOINT at_start").run();
    this.#isAtStart = true;
    const firstImages = new Map<string, Image>();
    for (const image of this.#images) if (!firstImages.has(image.id)) firstImages.set(image.id, image);
    for (const image of firstImages.values()) this.#writeBack(image);
  }

  goToNow(): void {
    if (!this.#isAtStart) return;
    this.#sql("ROLLBACK TO at_start").run();
    this.#sql("RELEASE at_start").run();
    this.#isAtStart = false;
  }

  #writeBack({ table, id, json }: Image): void {
    const after = json === null ? null : newDocument(documentOf(json));
    writeDocument(this.#sql, { table, id, before: loadDocument(this.#sql, id), after }, () => undefined);
  }
}
