// A board's two maps as plain JSON, as a digest counts them (contract rest.md §7).
import * as Y from "yjs";

/** What JSON has no word for: bytes as base64, numbers that are none as null. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (value === undefined || value === null) return null;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

const mapOf = (doc: Y.Doc, name: string): Record<string, unknown> =>
  Object.fromEntries(
    [...doc.getMap<unknown>(name).entries()].map(([key, value]) => [
      key,
      plain(value instanceof Y.AbstractType ? (value.toJSON() as unknown) : value),
    ]),
  );

export const plainContent = (doc: Y.Doc) => ({ objects: mapOf(doc, "objects"), ephemeral: mapOf(doc, "ephemeral") });
