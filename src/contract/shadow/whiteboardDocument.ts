// The whiteboard as the shadow compares it (whiteboard-socket.md §§1, 4, 8): plain content of two maps, without what is about to
// expire, for each arm collects by its own clock.
import type { DocumentCodec, JsonObject, JsonValue } from "../../shadow/ports.ts";

/** differences.md §2 `yjs`. */
const SKEW_MS = 10_000;

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function expiresAt(entry: JsonValue): number | null {
  const metadata = isObject(entry) ? entry["metadata"] : undefined;
  const at = isObject(metadata) ? metadata["expiresAt"] : undefined;
  return typeof at === "number" ? at : null;
}

/** A missing or non-numeric `expiresAt` means no expiry. */
function visible(content: JsonObject, nowMs: number): JsonObject {
  const { ephemeral } = content;
  if (!isObject(ephemeral)) return content;
  const kept = Object.entries(ephemeral).filter(([, entry]) => (expiresAt(entry) ?? Infinity) > nowMs + SKEW_MS);
  return { ...content, ephemeral: Object.fromEntries(kept) };
}

export const whiteboardDocument: DocumentCodec = {
  surface: "whiteboard",
  roots: { objects: "map", ephemeral: "map" },
  visible,
  updateOf: ({ isBinary, data }) => (isBinary ? data : null),
};
