import { z } from "zod";
import { ARMS } from "../kernel/index.ts";
import { KILL_LAYERS, PIN_LIFE_MS_MAX } from "../flags/index.ts";
import { AdminError } from "./errors.ts";

const PIN_MS_MIN = 1_000;

/** One line, so that a log line or a table row stays one (and carries no terminal control). */
const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, "may not hold control characters");

const audit = {
  reason: line(500),
  /** Who asks, as the caller says; the token is what authorises. */
  actor: z
    .string()
    .regex(/^[\w.@+-]{1,64}$/, "is a name of letters, digits and . @ + - _")
    .optional(),
};
const subject = line(128);
const hasOneDecimal = (percent: number): boolean => Math.abs(percent * 10 - Math.round(percent * 10)) < 1e-9;

export const flagChange = z.strictObject({
  unit: line(128),
  percent: z.number().min(0).max(100).refine(hasOneDecimal, "has at most one decimal"),
  ...audit,
});
export const pinChange = z.strictObject({
  subject,
  unit: line(128).nullable().default(null),
  arm: z.enum(ARMS),
  /** How long the pin lives, by this process's clock: an expiry is required, 30 days at most. */
  forMs: z.int().min(PIN_MS_MIN).max(PIN_LIFE_MS_MAX),
  ...audit,
});
export const pinRemoval = z.strictObject({ id: line(128), ...audit });
export const sampleRemoval = z.strictObject({ subject, ...audit });
export const killChange = z.strictObject({ layer: z.enum(["L0", "L1"]).default("L1"), ...audit });
export const killClearing = z.strictObject({ layer: z.enum(KILL_LAYERS), ...audit });

/** As many as a few seconds are enough for. */
export const DATA_SUBJECTS_MAX = 20;
export const dataSubjects = z.strictObject({ subjects: z.array(subject).min(1).max(DATA_SUBJECTS_MAX) });
export const dataCopy = z.strictObject({
  subject: subject.nullable(),
  from: z.enum(ARMS).default("control"),
  ...audit,
});
export const dataRepair = z.strictObject({ subject, ...audit });

/** Parses a change or throws what is wrong with which field, and what a right body looks like. */
export function parseChange<T>(schema: z.ZodType<T>, body: unknown, example: string): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
  throw new AdminError("ADMIN_BAD_REQUEST", faults.slice(0, 10).join("; "), `Send a JSON object such as ${example}.`);
}
