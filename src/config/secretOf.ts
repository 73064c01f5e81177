import type { z } from "zod";
import { addFault } from "./fields.ts";
import { readSecret, type SecretPlace, type SecretSource } from "./secrets.ts";

/** The secret that `<name>Env` or `<name>File` names; null without either, or with a fault that was told. */
export function secretOf(ctx: z.RefinementCtx, name: string, place: SecretPlace, source: SecretSource): string | null {
  const read = readSecret(place, source);
  if ("value" in read) return read.value;
  addFault(ctx, read.fault, [`${name}${read.key}`]);
  return null;
}
