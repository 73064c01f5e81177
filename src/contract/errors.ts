// Error bodies of the REST surfaces (rest.md §1).
import { z } from "zod";
import { REST_ERROR_CODES, VIOLATION_TYPES } from "./errorCodes.ts";
import { jsonObject } from "./fields.ts";

/** E1: exactly these three keys; null where no code is named. */
export const errorE1 = z.strictObject({
  error_code: z.enum(REST_ERROR_CODES).nullable(),
  error_message: z.string(),
  technical_details: z.string().nullable(),
});

/** E2: routing. */
export const errorE2 = z.strictObject({ detail: z.enum(["Not Found", "Method Not Allowed"]) });

/** One broken rule of E3. `ctx` is there only when the rule has parameters; there is no `url`. */
export const violation = z.strictObject({
  type: z.enum(VIOLATION_TYPES),
  loc: z.array(z.union([z.string(), z.int()])).min(1),
  msg: z.string(),
  input: z.unknown(),
  ctx: z.exactOptional(jsonObject),
});

/** E3: 422. */
export const errorE3 = z.strictObject({ detail: z.array(violation).min(1) });

/** D: accounts, chat and conversations. */
export const errorD = z.strictObject({ detail: z.string() });

export type ErrorE1 = z.infer<typeof errorE1>;
export type ErrorE2 = z.infer<typeof errorE2>;
export type ErrorE3 = z.infer<typeof errorE3>;
export type ErrorD = z.infer<typeof errorD>;
export type Violation = z.infer<typeof violation>;
