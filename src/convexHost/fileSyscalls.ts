// The operations of `ctx.storage` (embedded-convex §3.1: files; §3.7). Each component has files of its own.
import { createHash } from "node:crypto";
import {
  inAnyTransaction,
  inTransaction,
  optionalTextOf,
  textOf,
  type Handler,
  type SyscallArgs,
  type SyscallCall,
} from "./syscallWords.ts";
import type { Transaction } from "./ports.ts";
import type { StoredDocument } from "./words.ts";

const TABLE = "_storage";

function rowOf({ frame }: SyscallCall, transaction: Transaction, id: string): StoredDocument | null {
  const { component } = frame.address;
  return transaction.normalizeId(component, TABLE, id) === null ? null : transaction.get(component, TABLE, id);
}

export const getUrl = inAnyTransaction(false, (call, transaction) => {
  const id = textOf(call.args, "storageId");
  return rowOf(call, transaction, id) === null ? null : `${call.host.origin()}/api/storage/${id}`;
});

export const getMetadata = inAnyTransaction(false, (call, transaction) => {
  const row = rowOf(call, transaction, textOf(call.args, "storageId"));
  if (row === null) return null;
  const { _id: storageId, sha256, size, contentType } = row;
  return { storageId, sha256, size, contentType: contentType ?? null };
});

export const generateUploadUrl: Handler = ({ frame, host }) =>
  `${host.origin()}/api/storage/upload?token=${encodeURIComponent(host.files.issueUploadToken(frame.address.component))}`;

/** The blob goes after the COMMIT that removes its row, and stays on a rollback. */
export const deleteFile = inAnyTransaction(true, (call, transaction) => {
  const id = textOf(call.args, "storageId");
  if (rowOf(call, transaction, id) === null) throw new Error(`There is no file ${JSON.stringify(id)} to delete`);
  transaction.remove(call.frame.address.component, TABLE, id);
  call.host.files.unlinkAfterCommit(id);
  return {};
});

/** A mutation's `storage.store()`: bytes in base64, the row in its own transaction. */
export const storeInMutation = inTransaction(({ frame, host, args }, transaction, work) => {
  const bytes = Buffer.from(textOf(args, "blob"), "base64");
  requireSha256(bytes, optionalTextOf(args, "sha256"));
  work.transaction.budget.spend("filesWritten", 1);
  work.transaction.budget.spend("fileBytesWritten", bytes.length);
  const { component } = frame.address;
  return work.waitFor(host.files.storeInside(transaction, component, bytes, contentTypeOf(args)));
});

/** A mutation's `storage.get()`. */
export const readInMutation = inTransaction((call, transaction, work) => {
  const { host, frame, args } = call;
  const row = rowOf(call, transaction, textOf(args, "storageId"));
  if (row === null) return null;
  work.transaction.budget.spend("filesRead", 1);
  work.transaction.budget.spend("fileBytesRead", typeof row["size"] === "number" ? row["size"] : 0);
  const reading = host.files
    .readInside(transaction, frame.address.component, row._id)
    .then((file) =>
      file === null ? null : { blob: Buffer.from(file.bytes).toString("base64"), contentType: file.contentType },
    );
  return work.waitFor(reading);
});

/** An action's `storage.store()`. */
export const storeBlob: Handler = async ({ frame, host, args }) => {
  const { blob, options } = args as unknown as { readonly blob: unknown; readonly options?: { sha256?: string } };
  if (!(blob instanceof Blob)) throw new Error("store() expects a Blob");
  const bytes = new Uint8Array(await blob.arrayBuffer());
  requireSha256(bytes, options?.sha256);
  return host.files.storeBytes(bytes, blob.type === "" ? null : blob.type, frame.address.component);
};

/** An action's `storage.get()`. */
export const getBlob: Handler = async ({ frame, host, args }) => {
  const file = await host.files.read(textOf(args, "storageId"), frame.address.component);
  return file === null ? null : new Blob([new Uint8Array(file.bytes)], { type: file.contentType ?? "" });
};

function contentTypeOf(args: SyscallArgs): string | null {
  const type = optionalTextOf(args, "contentType") ?? "";
  return type === "" ? null : type;
}

/** @throws Error when the caller expects other bytes; hex and base64 are understood */
function requireSha256(bytes: Uint8Array, expected: string | undefined): void {
  if (expected === undefined) return;
  const digest = createHash("sha256").update(bytes).digest();
  if (expected.toLowerCase() === digest.toString("hex") || expected === digest.toString("base64")) return;
  throw new Error(`store(): the bytes have the SHA-256 ${digest.toString("hex")}, expected ${expected}`);
}
