// Forgiving reads of stored objects (models.md §1, G16): content never makes loading fail.
import type { z } from "zod";
import { isObject } from "../jsonObject.ts";

type Issue = z.core.$ZodIssue;

function removeAt(value: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  const target = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], value);
  for (const key of keys) delete (target as Record<string, unknown>)[key];
}

/** Parses a value; keys the schema does not know, at any depth, are left out instead of refused. */
export function parseIgnoringUnknown<T>(schema: z.ZodType<T>, value: unknown): { ok: true; value: T } | { ok: false } {
  const first = schema.safeParse(value);
  if (first.success) return { ok: true, value: first.data };
  const unknown = first.error.issues.filter(
    (issue): issue is Issue & { code: "unrecognized_keys" } => issue.code === "unrecognized_keys",
  );
  if (unknown.length < first.error.issues.length) return { ok: false };
  const copy = structuredClone(value);
  for (const issue of unknown) removeAt(copy, issue.path, issue.keys);
  const second = schema.safeParse(copy);
  return second.success ? { ok: true, value: second.data } : { ok: false };
}

type Shape = Readonly<Record<string, z.ZodType>>;

/** Per key: missing → default; unusable → default, and its name is reported; unknown keys are ignored. */
export function loadFields<T extends object>(shape: Shape, defaults: T, stored: unknown, repairs: string[]): T {
  if (!isObject(stored)) return defaults;
  const loaded: Record<string, unknown> = Object.fromEntries(Object.entries(defaults));
  for (const [key, schema] of Object.entries(shape)) {
    if (!Object.hasOwn(stored, key)) continue;
    const field = parseIgnoringUnknown(schema, stored[key]);
    if (field.ok) loaded[key] = field.value;
    else repairs.push(key);
  }
  return loaded as T;
}
