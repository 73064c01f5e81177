// What syscalls and frames need from the part that runs functions (functions.ts).
import type { JSONValue } from "convex/values";
import type { Frame } from "./frames.ts";
import type { CommitQueue, Transaction } from "./ports.ts";
import type { Registry, RegisteredFunction, TargetArgs } from "./registry.ts";
import type { TransactionWork } from "./transactionWork.ts";
import type { FunctionKind } from "./words.ts";

/** Where the host's log goes: an event's name and its fields. */
export type HostLog = (event: string, fields: Readonly<Record<string, JSONValue>>) => void;

/** What functions do with files (diskFiles.ts); each component has its own. */
export interface FunctionFiles {
  issueUploadToken(component: string): string;
  /** Through the queue: for actions. null: no such file. */
  read(id: string, component: string): Promise<FileContent | null>;
  /** Through the queue: for actions. Gives the id. */
  storeBytes(bytes: Uint8Array, contentType: string | null, component: string): Promise<string>;
  /** As `read` and `storeBytes`, within a mutation's transaction. */
  readInside(transaction: Transaction, component: string, id: string): Promise<FileContent | null>;
  storeInside(
    transaction: Transaction,
    component: string,
    bytes: Uint8Array,
    contentType: string | null,
  ): Promise<string>;
  unlinkAfterCommit(id: string): void;
}

export interface FileContent {
  readonly bytes: Uint8Array;
  readonly contentType: string | null;
}

export interface NestedCall {
  readonly target: RegisteredFunction;
  readonly args: JSONValue;
  /** `transactionLimits` as given; they lower, never raise. */
  readonly limits: unknown;
  /** Sees the state at the start of its parent. */
  readonly isStale: boolean;
}

export interface FunctionHost {
  readonly registry: Registry;
  readonly store: { tableOf(component: string, id: string): string | null };
  readonly queue: CommitQueue;
  readonly files: FunctionFiles;
  readonly log: HostLog;
  readonly clock: () => number;
  /** Where this host is reached, without a "/" at the end: for the URLs of files. */
  readonly origin: () => string;
  readonly mapStack: (stack: string) => readonly string[];
  /** The function that a syscall of `frame` names. @throws Error when there is none that it may call */
  resolve(frame: Frame, args: TargetArgs, kinds: readonly FunctionKind[]): RegisteredFunction;
  /** Within the caller's transaction; a throw undoes all that the called one did. @throws NestedFailure */
  callNested(frame: Frame, call: NestedCall): Promise<JSONValue>;
  /** Of an action: a transaction, or an action, of its own. @throws NestedFailure */
  callFromAction(frame: Frame, target: RegisteredFunction, args: JSONValue): Promise<JSONValue>;
  /** A transaction of the host's own for an action's operation. */
  transact<T>(isWritable: boolean, body: (transaction: Transaction, work: TransactionWork) => T): Promise<T>;
}
