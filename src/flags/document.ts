import { z } from "zod";
import { FlagsError } from "./errors.ts";
import type { ClientFeatures } from "./ports.ts";

/** security §11, flag file. */
export const DOCUMENT_BYTES_MAX = 1_048_576;
export const DOCUMENT_DEPTH_MAX = 32;
const FEATURES_MAX = 10_000;

/** Only what makes the whole document unusable; a single flag's faults cost that flag alone (`validate.ts`). */
const documentSchema = z.looseObject({
  version: z.number(),
  features: z.array(z.looseObject({ name: z.string().min(1).max(512) })).max(FEATURES_MAX),
  segments: z.array(z.looseObject({ id: z.number(), constraints: z.array(z.unknown()) })).optional(),
  meta: z.looseObject({ revisionId: z.number().int().nonnegative().optional() }).optional(),
});

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((child) => isDeeperThan(child, levels - 1));
}

function freezeAll(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) freezeAll(child);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FlagsError("FLAGS_DOCUMENT", `is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Reads a client-features document. Throws `FlagsError` with a sentence that begins with a verb, so that the caller
 * puts the file's name before it. The result is frozen through and through and keeps every key it does not know.
 */
export function parseDocument(text: string): ClientFeatures {
  if (Buffer.byteLength(text) > DOCUMENT_BYTES_MAX) {
    throw new FlagsError("FLAGS_DOCUMENT", `is larger than ${DOCUMENT_BYTES_MAX} bytes`);
  }
  const value = parseJson(text);
  if (isDeeperThan(value, DOCUMENT_DEPTH_MAX)) {
    throw new FlagsError("FLAGS_DOCUMENT", `nests deeper than ${DOCUMENT_DEPTH_MAX} levels`);
  }
  const checked = documentSchema.safeParse(value);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const place = issue?.path.join(".") || "the document";
    throw new FlagsError("FLAGS_DOCUMENT", `is no client-features document: ${place}: ${issue?.message ?? "invalid"}`);
  }
  freezeAll(value);
  return value as ClientFeatures;
}
