import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ARMS } from "../kernel/index.ts";
import { causeOf, FlagsError } from "./errors.ts";
import { NO_OVERRIDES, PINS_MAX } from "./overrides.ts";
import { KILL_LAYERS, type Overrides } from "./ports.ts";
import { isMissing, replaceFile } from "./privateFile.ts";

const killSchema = z.strictObject({
  layer: z.enum(KILL_LAYERS),
  reason: z.string(),
  actor: z.string(),
  sinceMs: z.number(),
});
const pinSchema = z.strictObject({
  id: z.string().min(1),
  subject: z.string().min(1),
  unit: z.string().nullable(),
  arm: z.enum(ARMS),
  reason: z.string(),
  actor: z.string(),
  createdAtMs: z.number(),
  untilMs: z.number(),
});
const fileSchema = z.strictObject({
  version: z.literal(1),
  kills: z.array(killSchema).max(KILL_LAYERS.length),
  pins: z.array(pinSchema).max(PINS_MAX),
});

const corrupt = (file: string, cause: unknown, detail: string): FlagsError =>
  new FlagsError(
    "STATE_CORRUPT",
    `${file} cannot be read (${detail}). It holds the kill switch and the pins, so starting without it could undo a ` +
      "kill. Repair it; or move it away to start with no kill and no pin.",
    { cause },
  );

/** What people changed, kept over restarts. Throws `FlagsError` rather than forget a kill. */
export async function loadOverrides(file: string): Promise<Overrides> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return NO_OVERRIDES;
    throw corrupt(file, error, causeOf(error));
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // Not the parser's message: it quotes the file, and the file names subjects (security D2).
    throw corrupt(file, error, "it is not JSON");
  }
  const checked = fileSchema.safeParse(value);
  if (!checked.success)
    throw corrupt(file, checked.error, `wrong at ${checked.error.issues[0]?.path.join(".") || "the top"}`);
  const { kills, pins } = checked.data;
  return Object.freeze({
    kills: Object.freeze(kills.map(Object.freeze)),
    pins: Object.freeze(pins.map(Object.freeze)),
  }) as Overrides;
}

/** L4 is the environment's: it ends with the variable, not with the file. */
export async function saveOverrides(file: string, { kills, pins }: Overrides): Promise<void> {
  const kept = { version: 1, kills: kills.filter(({ layer }) => layer !== "L4"), pins };
  await replaceFile(file, `${JSON.stringify(kept, null, 2)}\n`);
}
