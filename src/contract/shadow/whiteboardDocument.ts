// The whiteboard as the shadow compares it (whiteboard-socket.md §§1, 4, 8): plain content of two maps, without what is about to
// expire, for each arm collects by its own clock.
import type { DocumentCodec, JsonObject, JsonValue } from "../../shadow/ports.ts";
import { isObject } from "../jsonObject.ts";
import { numberOf } from "./facts.ts";

/** differences.md §2 `yjs`. */
const SKEW_MS = 10_000;

/** A missing or non-numeric `expiresAt` means no expiry. */
function isExpiring(entry: unknown, nowMs: number): boolean {
  const metadata = isObject(entry) ? entry["metadata"] : undefined;
  const at = isObject(metadata) ? numberOf(metadata["expiresAt"]) : null;
  return at !== null && at <= nowMs + SKEW_MS;
}

function visible(content: JsonObject, nowMs: number): JsonObject {
  const { ephemeral } = content;
  if (!isObject(ephemeral)) return content;
  const kept = Object.entries(ephemeral as Readonly<Record<string, JsonValue>>).filter(
    ([, entry]) => !isExpiring(entry, nowMs),
  );
  return { ...content, ephemeral: Object.fromEntries(kept) };
}

export const whiteboardDocument: DocumentCodec = {
  surface: "whiteboard",
  bodies: ["GET /api/v1/sessions/{session_id}/whiteboard_snapshot"],
  roots: { objects: "map", ephemeral: "map" },
  visible,
  updateOf: ({ isBinary, data }) => (isBinary ? data : null),
};
