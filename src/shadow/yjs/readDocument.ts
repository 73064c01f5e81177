// A reply whose body is a whole Yjs document, as one update (shadow §5 `yjs`): its plain content, for bytes say nothing (shadow §11).
import * as Y from "yjs";
import type { JsonObject } from "../json/values.ts";
import { decodeUpdate } from "./decodedUpdate.ts";
import { TRACK_LIMITS } from "./limits.ts";
import { plainContent, type RootType } from "./plainContent.ts";

export interface DocumentShape {
  readonly roots: Readonly<Record<string, RootType>>;
  /** Leaves out what has expired. */
  visible?(content: JsonObject, nowMs: number): JsonObject;
}

/** Null: it is none, not whole, or larger than is looked at. @param nowMs epoch */
export function readDocumentBody(bytes: Uint8Array, shape: DocumentShape, nowMs: number): JsonObject | null {
  if (bytes.length > TRACK_LIMITS.documentBytes || decodeUpdate(bytes) === null) return null;
  const doc = new Y.Doc();
  try {
    Y.applyUpdate(doc, bytes);
    const { pendingStructs, pendingDs } = doc.store;
    if (pendingStructs !== null || pendingDs !== null) return null;
    const content = plainContent(doc, shape.roots);
    if (content === null) return null;
    return shape.visible?.(content, nowMs) ?? content;
  } catch {
    return null;
  } finally {
    doc.destroy();
  }
}
