// State continuity (rest.md §7): a user's rows as they go from arm to arm.
import { z } from "zod";
import { count, jsonObject, ms } from "../fields.ts";

export const change = z.object({
  seq: count,
  kind: z.string(),
  op: z.enum(["upsert", "delete"]),
  key: z.string(),
  user_id: z.string(),
  version: z.int().positive(),
  origin: z.enum(["legacy", "candidate"]),
  at: ms,
  data: z.exactOptional(jsonObject),
});
export type Change = z.infer<typeof change>;

/** Values of a query are text. */
export const changesQuery = z.object({
  after: z.exactOptional(count),
  limit: z.exactOptional(z.int().min(1).max(1_000)),
  user_id: z.exactOptional(z.string()),
});
export const changesPage = z.strictObject({ changes: z.array(change), cursor: count, more: z.boolean() });

export const changesRequest = z.object({ changes: z.array(z.unknown()).max(1_000) });
export const changesApplied = z.strictObject({
  applied: count,
  skipped: count,
  rejected: z.array(z.strictObject({ seq: z.int(), reason: z.string() })),
  conflicts: z.array(z.strictObject({ seq: z.int(), kind: z.string(), key: z.string() })),
});

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const section = z.strictObject({ count, hash: sha256, full_hash: sha256 });

export const digest = z.strictObject({
  user_id: z.string(),
  cursor: count,
  sections: z.record(z.string(), section),
  hash: sha256,
  full_hash: sha256,
});
