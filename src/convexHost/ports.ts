// What the faces of the host (HTTP, sockets, scheduler) need from the part that runs functions, and from the files.
import type { JSONValue, Value } from "convex/values";
import type { Caller, FunctionKind, Identity, KeyInterval, Outcome, StoredDocument, TouchedKey } from "./words.ts";

export interface Call {
  /** "any": whatever the function is (`/api/function`, `/api/run`). */
  readonly kind: FunctionKind | "any";
  /** `module:name`; a ".js" behind the module and a missing ":name" (default export) are understood. */
  readonly path: string;
  /** Of admins only. */
  readonly component?: string;
  /** The one argument object as Convex JSON. */
  readonly args: JSONValue;
  readonly caller: Caller;
  /** A mutation over a socket: its outcome is stored under this in its own transaction, and given again (§3.10). */
  readonly request?: { readonly sessionId: string; readonly requestId: number };
}

export interface QueryCall {
  readonly path: string;
  readonly args: JSONValue;
  /** Where its page ended before; null at first. */
  readonly journal: string | null;
  readonly component?: string;
}

/** Runs functions (functions.ts). */
export interface FunctionRunner {
  /** Never rejects for what the function did: that is in the outcome. @throws TransportError */
  run(call: Call): Promise<Outcome>;
  /** Several queries of one caller at one timestamp, outcomes in their order. @throws TransportError */
  runQueries(
    queries: readonly QueryCall[],
    caller: Caller,
  ): Promise<{ readonly ts: bigint; readonly outcomes: readonly Outcome[] }>;
  /** HTTP action of `http.ts`; null when there is no route for it. */
  runHttp(request: Request): Promise<Response | null>;
  /** Told after each COMMIT, with all keys its group touched. Returns how to stop. */
  onCommit(listener: (ts: bigint, touched: readonly TouchedKey[]) => void): () => void;
  /** The newest commit. */
  readonly ts: bigint;
  /** null: serves; else why not, for `/readyz`. */
  notReady(): string | null;
}

/** Blobs and their rows (diskFiles.ts). */
export interface FileShelf {
  /** Uses up an upload token. */
  takeUploadToken(token: string): boolean;
  /** Streams to disk, then writes the row; gives the id. @throws TransportError 413 beyond the limit */
  store(bytes: AsyncIterable<Uint8Array>, contentType: string | null): Promise<string>;
  /** null: not an id, or no such file. */
  find(id: string): Promise<StoredFile | null>;
}

export interface StoredFile {
  readonly path: string;
  readonly size: number;
  readonly sha256Hex: string;
  readonly contentType: string | null;
}

/** Tokens and the admin key (jwksAuth.ts). */
export interface CallerAuth {
  /** `Authorization: Bearer <JWT>` or `Convex <key>[:<base64 identity>]`. @throws TransportError 401 */
  ofHeader(header: string | undefined): Promise<Caller>;
  ofToken(token: string): Promise<Caller>;
  ofAdminKey(key: string, actingAs?: Identity): Caller;
}

/** One transaction (transaction.ts): the database syscalls, each inside a component ("" for the app). */
export interface Transaction {
  /** Frozen for the whole transaction, epoch ms. */
  readonly nowMs: number;
  readonly isWritable: boolean;
  readonly reads: readonly KeyInterval[];
  /** Newest commit before this transaction began, ns. */
  readonly snapshotTs: bigint;
  get(component: string, table: string | undefined, id: string): StoredDocument | null;
  insert(component: string, table: string, value: Value): string;
  /** `patch` as `patchValueToJson` makes it: `{"$undefined": null}` removes a field. */
  patch(component: string, table: string | undefined, id: string, patch: JSONValue): void;
  replace(component: string, table: string | undefined, id: string, value: Value): void;
  remove(component: string, table: string | undefined, id: string): void;
  normalizeId(component: string, table: string, id: string): string | null;
  /** `query` as `1.0/queryStream` gets it. */
  openQuery(component: string, query: JSONValue): number;
  nextOf(queryId: number): StoredDocument | null;
  closeQuery(queryId: number): void;
  /** Arguments and result as of `1.0/queryPage`; once per function. */
  page(
    component: string,
    request: JSONValue,
    journal: string | null,
  ): { readonly result: JSONValue; readonly journal: string };
  count(component: string, table: string): number;
  vectorSearch(component: string, query: JSONValue): readonly { readonly _id: string; readonly _score: number }[];
  /** A nested call: its effects vanish with `rollback`. Innermost first. */
  begin(): Savepoint;
  usage(): TransactionUsage;
}

export interface Savepoint {
  release(): void;
  rollback(): void;
}

export interface TransactionUsage {
  readonly bytesRead: number;
  readonly documentsRead: number;
  readonly rangesRead: number;
  readonly bytesWritten: number;
  readonly documentsWritten: number;
  readonly functionsScheduled: number;
}

export interface Committed<T> {
  readonly value: T;
  readonly ts: bigint;
  readonly reads: readonly KeyInterval[];
}

/** One transaction after another; those that wait share a COMMIT, and each is told only after it (commitQueue.ts). */
export interface CommitQueue {
  /** @throws what `body` threw, its effects rolled back; CommitFailed when the COMMIT of its group failed */
  run<T>(body: (transaction: Transaction) => Promise<T>, isWritable: boolean): Promise<Committed<T>>;
  onCommit(listener: (ts: bigint, touched: readonly TouchedKey[]) => void): () => void;
  readonly ts: bigint;
  /** null: writes go through; else why not (disk full). */
  notReady(): string | null;
}
