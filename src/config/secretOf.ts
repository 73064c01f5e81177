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

const KEY_FIX = "Make one: openssl rand -base64 32";
const KEY = /^(?:[\da-f]{64}|[A-Za-z\d+/]{43}=?)$/i;
const KEY_BYTES = 32;

/** A key of exactly 32 bytes, written as base64 or hex; gives it as hex. Faults never quote what was read. */
export function keyOf(ctx: z.RefinementCtx, name: string, place: SecretPlace, source: SecretSource): string | null {
  const read = readSecret(place, source);
  if ("fault" in read) {
    const { key, fault } = read;
    addFault(ctx, fault.fix === undefined ? fault : { ...fault, fix: KEY_FIX }, [`${name}${key}`]);
    return null;
  }
  if (read.value === null) return null;
  const key = KEY.test(read.value) ? Buffer.from(read.value, read.value.length === 64 ? "hex" : "base64") : null;
  if (key?.length === KEY_BYTES) return key.toString("hex");
  const fault = { what: `${place.env ?? place.file} holds no such key`, expected: "32 bytes as base64 or hex" };
  addFault(ctx, { ...fault, fix: KEY_FIX }, [`${name}${place.env === undefined ? "File" : "Env"}`]);
  return null;
}
