import { readFile } from "node:fs/promises";
import { parseDocument } from "./document.ts";
import type { ClientFeatures, FlagReading } from "./ports.ts";
import { isMissing, replaceFile } from "./privateFile.ts";

/**
 * The last valid flags on disk, used only when the source gives nothing at start (rollout.md §1.1). Throws when the
 * file is there but unusable; the caller reports it and goes on with no flags, which means control.
 */
export async function loadLastKnown(file: string): Promise<FlagReading | null> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const { features, version, segments, meta } = parseDocument(text);
  const savedAtMs = Number(meta?.savedAtMs);
  const data: ClientFeatures = Object.freeze({
    version,
    features,
    ...(segments ? { segments } : {}),
    ...(meta ? { meta } : {}),
  });
  return Object.freeze({ source: "last-known", data, confirmedAtMs: Number.isFinite(savedAtMs) ? savedAtMs : 0 });
}

export async function saveLastKnown(file: string, data: ClientFeatures, savedAtMs: number): Promise<void> {
  await replaceFile(file, `${JSON.stringify({ ...data, meta: { ...data.meta, savedAtMs } })}\n`);
}
