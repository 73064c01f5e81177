import { z } from "zod";
import type { Fault } from "./problems.ts";
import * as values from "./values.ts";
import type { Range, Read } from "./values.ts";

/** What the generated schema and reference say about a value beside its description. */
export interface FieldMeta {
  readonly type: "string" | "integer" | "boolean";
  /** How the reference names the type: `duration`, `size`. */
  readonly title: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly (string | number | boolean)[];
}

/** Adds a fault to the value that is being read; the loader gives it its place in the file. */
export function addFault(ctx: z.RefinementCtx, fault: Fault, path: (string | number)[] = []): void {
  ctx.addIssue({ code: "custom", message: fault.what, params: { fault }, path });
}

/** A value of the file: text, number or switch, read by one of our readers, so that each fault says what was expected. */
export const field = <T>(meta: FieldMeta, description: string, read: (value: unknown) => Read<T>) =>
  z
    .unknown()
    .transform((value, ctx): T => {
      const result = read(value);
      if (!("fault" in result)) return result.value;
      addFault(ctx, result.fault);
      return z.NEVER;
    })
    .meta({ ...meta, description } as Record<string, unknown>);

const DAY_MS = 86_400_000;

export const text = (description: string) =>
  field({ type: "string", title: "text" }, description, (value) => values.readText(value));

export const duration = (description: string, range: Range = { min: 1, max: DAY_MS }) =>
  field({ type: "string", title: "duration", pattern: "^\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)$" }, description, (value) =>
    values.readDuration(value, range),
  );

export const size = (description: string, range: Range = { min: 1, max: 1024 ** 3 }) =>
  field({ type: "string", title: "size", pattern: "^\\d+(\\.\\d+)?\\s*(B|KiB|MiB|GiB)$" }, description, (value) =>
    values.readSize(value, range),
  );

export const rate = (description: string, max = 1_000_000) =>
  field({ type: "string", title: "rate", pattern: "^\\d+(\\.\\d+)?\\s*/(s|min|h)$" }, description, (value) =>
    values.readRate(value, max),
  );

export const count = (description: string, range: Range = { min: 1, max: 1_000_000 }) =>
  field({ type: "integer", title: "count", minimum: range.min, maximum: range.max }, description, (value) =>
    values.readCount(value, range),
  );

/** A ratio, 0 … 1. */
export const share = (description: string) =>
  field({ type: "string", title: "share", pattern: "^\\d+(\\.\\d+)?\\s*%$" }, description, values.readShare);

export const toggle = (description: string) =>
  field({ type: "boolean", title: "switch" }, description, values.readSwitch);

export const oneOf = <const T extends string>(allowed: readonly T[], description: string) =>
  field({ type: "string", title: "word", enum: allowed }, description, (value) => values.readOneOf(value, allowed));

export const address = (description: string) =>
  field({ type: "string", title: "address", examples: ["127.0.0.1:8000"] }, description, values.readAddress);

export const origin = (description: string, example?: string) =>
  field({ type: "string", title: "origin", ...(example ? { examples: [example] } : {}) }, description, (value) =>
    values.readOrigin(value, example),
  );

/** A path that stands alone, without parameters. */
export const plainPath = (description: string) =>
  field({ type: "string", title: "path", pattern: "^/" }, description, (value) => {
    const expected = "a path such as /readyz";
    const read = values.readText(value, expected);
    if ("fault" in read || /^\/[A-Za-z0-9\-._~/]*$/.test(read.value)) return read;
    return { fault: { what: `${values.show(value)} is no plain path`, expected } };
  });

const VARIABLE = /^[A-Z_][A-Z0-9_]{0,63}$/;

/**
 * Name of a variable of the environment that holds a secret. Upper case only: what stands here may be the secret
 * itself, put into the wrong place, and must then neither pass as a name nor be repeated (security D4).
 */
export const variableName = (description: string) =>
  field({ type: "string", title: "variable name", pattern: VARIABLE.source }, description, (value) => {
    if (typeof value === "string" && VARIABLE.test(value)) return { value };
    const what = value === undefined || value === null ? "missing" : "no name of a variable";
    return { fault: { what, expected: "upper case letters, digits and _, such as JWT_SECRET_KEY" } };
  });
