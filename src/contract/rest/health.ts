// Health (rest.md §6, realtime-socket.md §9) and R1.
import { z } from "zod";
import { naive } from "../fields.ts";

export const root = z.strictObject({ message: z.string() });
export const live = z.strictObject({ status: z.literal("ok") });
export const health = z.strictObject({ status: z.literal("ok"), timestamp: naive, version: z.literal("1.0.0") });

const ok = z.literal("ok");

export const ready = z.strictObject({
  status: z.literal("ready"),
  checks: z.strictObject({ store: ok, boards: ok, config: ok }),
});
