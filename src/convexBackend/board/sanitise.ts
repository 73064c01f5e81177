// Whose object is it (contract whiteboard-socket.md §3.3): what did not come from the tutor is the user's.
import type * as Y from "yjs";

export type BoardValue = Readonly<Record<string, unknown>>;

export function isPlainObject(value: unknown): value is BoardValue {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The value with `metadata.source` = `user`, or null when it may stay as it is. */
export function sanitised(value: unknown): BoardValue | null {
  if (!isPlainObject(value)) return null;
  const { metadata } = value;
  if (!isPlainObject(metadata)) return { ...value, metadata: { source: "user" } };
  return metadata["source"] === "user" ? null : { ...value, metadata: { ...metadata, source: "user" } };
}

/** Keys of the map that one transaction added or changed; deleted ones are nobody's. */
export function changedKeys(event: Y.YMapEvent<unknown>): string[] {
  const keys: string[] = [];
  for (const [key, change] of event.changes.keys) if (change.action !== "delete") keys.push(key);
  return keys;
}
