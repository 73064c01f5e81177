// One transaction of the embedded host (embedded-convex §3.2): rules and limits of writes, nested calls, its timestamp.
import { hash } from "node:crypto";
import type { JSONValue, Value } from "convex/values";
import { keyOfTableName, type Table } from "./catalog.ts";
import { checkedDocument, insertedFields, patchedDocument, replacedDocument } from "./documentRules.ts";
import { type DocumentRow, loadDocument, writeDocument } from "./documentRows.ts";
import { encodeId } from "./ids.ts";
import { createBudget, LIMITS, type NestedBudget } from "./limits.ts";
import type { Savepoint, Transaction, TransactionUsage } from "./ports.ts";
import type { GrowingInterval } from "./rowSource.ts";
import { takeRandom } from "./randomPool.ts";
import { StaleTransaction } from "./staleTransaction.ts";
import { documentOf, hasPlaceholder, withCommitTs } from "./storedJson.ts";
import { TransactionReads, type TransactionStore } from "./transactionReads.ts";
import { UndoLog } from "./undoLog.ts";
import type { KeyInterval, StoredDocument, TouchedKey } from "./words.ts";

/** What a transaction needs of the store beyond its rows: the counters of the deployment. */
export interface WritableStore extends TransactionStore {
  /** Newest commit, ns; those of this group that are not on the disk yet among them. */
  readonly ts: bigint;
  readonly isInTransaction: boolean;
  /** The next commit's, strictly greater. */
  takeTs(nowMs: number): bigint;
  /** Strictly increasing, epoch ms. */
  takeCreationTime(nowMs: number): number;
}

export interface TransactionOptions {
  readonly nowMs: number;
  readonly isWritable: boolean;
}

/** Where everything stood when a nested call began. */
interface NestedPoint {
  readonly budget: NestedBudget;
  /** Whether it has a savepoint of its own: the first call of a transaction that has written nothing needs none. */
  readonly isSaved: boolean;
  readonly reads: number;
  readonly touched: number;
  readonly undo: number;
  readonly provisional: number;
  readonly declared: number;
}

const JOBS_TABLE = "_scheduled_functions";
const ID_BYTES = 16;
const ID_SEED_BYTES = 32;

/** Runs inside of the open group of the store (commitQueue.ts): a savepoint of its own, and one for each nested call. */
export class SqliteTransaction extends TransactionReads implements Transaction {
  readonly nowMs: number;
  readonly isWritable: boolean;
  readonly snapshotTs: bigint;
  readonly reads: KeyInterval[] = [];
  readonly touched: TouchedKey[] = [];
  readonly #store: WritableStore;
  readonly #undo: UndoLog;
  /** Documents that were written with a timestamp not yet known. */
  readonly #provisional: { readonly table: Table; readonly id: string }[] = [];
  /** Tables that it made. */
  readonly #declared: Table[] = [];
  readonly #points: NestedPoint[] = [];
  #version = 0;
  #idSeed: Uint8Array | null = null;
  #idCount = 0;
  /** What SQLite refused: nothing of this transaction may be kept then, even where a handler caught the error. */
  #failure: Error | null = null;
  #isOver = false;

  constructor(store: WritableStore, { nowMs, isWritable }: TransactionOptions) {
    super(store, createBudget(LIMITS));
    this.#store = store;
    this.#undo = new UndoLog(store.sql);
    this.nowMs = nowMs;
    this.isWritable = isWritable;
    this.snapshotTs = store.ts;
    if (isWritable) this.sql("SAVEPOINT own").run();
  }

  get failure(): Error | null {
    return this.#failure;
  }

  override operate<T>(operation: () => T): T {
    if (this.#isOver) throw new Error("the transaction of this operation has ended");
    if (this.#failure !== null) throw this.#failure;
    try {
      return operation();
    } catch (error) {
      if (isSqliteError(error)) this.#failure = error;
      throw error;
    }
  }

  override remember(interval: GrowingInterval): void {
    this.reads.push(interval);
  }

  override enter(): void {
    this.#undo.goToNow();
  }

  override version(): number {
    return this.#version;
  }

  /** @throws Error when the document does not match its table; LimitError */
  insert(component: string, table: string, value: Value): string {
    return this.#change(() => {
      const fields = insertedFields(value);
      const target = this.#tableFor(component, table);
      const id = encodeId(target.number, this.#takeIdBytes());
      if (target.name === JOBS_TABLE) this.budget.spend("functionsScheduled", 1);
      this.#write(target, id, null, {
        ...fields,
        _id: id,
        _creationTime: this.#store.takeCreationTime(this.nowMs),
      });
      return id;
    });
  }

  /** `{"$undefined": null}` removes a field. @throws as `insert`; Error when there is no such document */
  patch(component: string, table: string | undefined, id: string, patch: JSONValue): void {
    this.#change(() => {
      const { target, row, document } = this.#existing(component, table, id, "Update");
      this.#write(target, id, row, patchedDocument(document, patch));
    });
  }

  /** @throws as `patch` */
  replace(component: string, table: string | undefined, id: string, value: Value): void {
    this.#change(() => {
      const { target, row, document } = this.#existing(component, table, id, "Replace");
      this.#write(target, id, row, replacedDocument(document, value));
    });
  }

  /** @throws Error when there is no such document */
  remove(component: string, table: string | undefined, id: string): void {
    this.#change(() => {
      const { target, row } = this.#existing(component, table, id, "Delete");
      this.#write(target, id, row, null);
    });
  }

  /** @param limits the call's `transactionLimits`, if it has any */
  begin(limits?: unknown): Savepoint {
    return this.operate(() => {
      this.enter();
      const hasWritten = this.#version > 0 || this.#declared.length > 0;
      const isSaved = this.isWritable && (hasWritten || this.#points.length > 0);
      const point: NestedPoint = {
        budget: this.budget.begin(limits),
        isSaved,
        reads: this.reads.length,
        touched: this.touched.length,
        undo: this.#undo.length,
        provisional: this.#provisional.length,
        declared: this.#declared.length,
      };
      if (isSaved) this.sql("SAVEPOINT nested").run();
      this.#points.push(point);
      return { release: () => this.#release(point), rollback: () => this.#rollback(point) };
    });
  }

  usage(): TransactionUsage {
    return this.budget.usage();
  }

  /**
   * The database as it was when this transaction began, without what the transaction, or any call in it, has written: for
   * `useStaleSnapshot` (embedded-convex §3.2). It spends of the same limits and is not remembered as read.
   */
  stale(): Transaction {
    const { nowMs, snapshotTs, budget } = this;
    return new StaleTransaction(this.#store, budget, {
      nowMs,
      snapshotTs,
      operate: (operation) => this.operate(operation),
      goToStart: () => this.#undo.goToStart(),
    });
  }

  /** Keeps what was written, with its timestamp; gives the newest timestamp that it saw or made. */
  finish(): bigint {
    const ts = this.operate(() => {
      this.enter();
      if (this.#points.length > 0) throw new Error("a nested call has not ended before its transaction");
      if (this.touched.length > 0) this.#resolve(this.#store.takeTs(this.nowMs));
      if (this.isWritable) this.sql("RELEASE own").run();
      return this.#store.ts;
    });
    this.#isOver = true;
    return ts;
  }

  /** Leaves nothing of it. */
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.touched.length = 0;
    for (const table of this.#declared) this.catalog.forget(table);
    // Where SQLite has given up the whole group, there is no savepoint to go back to.
    if (!this.isWritable || !this.#store.isInTransaction) return;
    this.sql("ROLLBACK TO own").run();
    this.sql("RELEASE own").run();
  }

  #change<T>(change: () => T): T {
    return this.operate(() => {
      if (!this.isWritable) throw new Error("a query cannot write");
      this.enter();
      return change();
    });
  }

  #tableFor(component: string, name: string): Table {
    const found = this.catalog.find(component, name);
    if (found !== undefined) return found;
    const table = this.catalog.declare(component, name);
    this.#declared.push(table);
    this.touched.push(keyOfTableName(component, name));
    return table;
  }

  #existing(component: string, table: string | undefined, id: string, action: string) {
    const target = this.requireTable(component, table, id);
    const row = this.readRow(id);
    if (row === null) throw new Error(`${action} on nonexistent document ID ${id}`);
    return { target, row, document: documentOf(row.json) };
  }

  #write(table: Table, id: string, before: DocumentRow | null, document: StoredDocument | null): void {
    const after = document === null ? null : checkedDocument(this.catalog, table, document);
    this.budget.spend("documentsWritten", 1);
    this.budget.spend("bytesWritten", after?.size ?? 0);
    this.#version += 1;
    this.#undo.record(table, id, before);
    try {
      writeDocument(this.sql, { table, id, before, after }, (touched) => this.touched.push(touched));
    } catch (error) {
      // Half of the rows of a document: a handler that catches this must not get them committed.
      this.#failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
    if (after !== null && hasPlaceholder(after.json)) this.#provisional.push({ table, id });
  }

  /**
   * The time, so that new ids are neighbours in the file, then 80 bits that nobody can guess, not even from other ids. One
   * seed serves all of a transaction: asking the system is slow.
   */
  #takeIdBytes(): Uint8Array {
    this.#idSeed ??= takeRandom(ID_SEED_BYTES);
    this.#idCount += 1;
    const bytes = hash("sha256", Buffer.concat([this.#idSeed, Buffer.from(`${this.#idCount}`)]), "buffer");
    bytes.writeUIntBE(Math.max(0, Math.floor(this.nowMs)) % 2 ** 48, 0, 6);
    return bytes.subarray(0, ID_BYTES);
  }

  #release(point: NestedPoint): void {
    if (this.#leave(point, "release") && point.isSaved) this.operate(() => this.sql("RELEASE nested").run());
  }

  #rollback(point: NestedPoint): void {
    if (!this.#leave(point, "rollback")) return;
    this.operate(() => {
      this.sql(point.isSaved ? "ROLLBACK TO nested" : "ROLLBACK TO own").run();
      if (point.isSaved) this.sql("RELEASE nested").run();
    });
    this.#version += 1;
    this.reads.length = point.reads;
    this.touched.length = point.touched;
    this.#provisional.length = point.provisional;
    this.#undo.cut(point.undo);
    for (const table of this.#declared.splice(point.declared)) this.catalog.forget(table);
  }

  /** Whether there is a savepoint in the file to end: not in queries, and not once all is lost anyway. */
  #leave(point: NestedPoint, how: "release" | "rollback"): boolean {
    if (this.#isOver) return false;
    if (this.#points.at(-1) !== point) throw new Error("a nested call must end before the one around it, and once");
    this.#points.pop();
    point.budget[how]();
    if (!this.isWritable || this.#failure !== null) return false;
    this.operate(() => this.enter());
    return true;
  }

  /** Puts the timestamp in the place of its placeholder, in documents and index keys (embedded-convex §3.2). */
  #resolve(ts: bigint): void {
    for (const { table, id } of this.#provisional) {
      const before = loadDocument(this.sql, id);
      if (before === null || !hasPlaceholder(before.json)) continue;
      const json = withCommitTs(before.json, ts);
      const after = { document: documentOf(json), json, size: before.size };
      writeDocument(this.sql, { table, id, before, after }, (touched) => this.touched.push(touched));
    }
  }
}

/** What node:sqlite throws when SQLite refuses: disk full, I/O error, damaged file. */
function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ERR_SQLITE_ERROR";
}
