// State continuity (rest.md §7): a user's rows as they go from arm to arm.
import { z } from "zod";
import { count, jsonObject, ms } from "../fields.ts";

/** How an arm names itself as the origin of a change. */
export const ORIGINS = ["legacy", "candidate"] as const;
export type Origin = (typeof ORIGINS)[number];

/** Of one body, and of one page. */
export const CHANGES_MAX = 1_000;
/** A rejection that begins like this may be applied later, unchanged. */
export const LATER = "later:";

export const change = z.object({
  seq: count,
  kind: z.string(),
  op: z.enum(["upsert", "delete"]),
  key: z.string(),
  user_id: z.string(),
  version: z.int().positive(),
  origin: z.enum(ORIGINS),
  at: ms,
  /** The greatest version of the other arm's writes of the row that `origin` knew of (ADR 14). */
  seen: z.exactOptional(count),
  data: z.exactOptional(jsonObject),
});
export type Change = z.infer<typeof change>;

/** Values of a query are text. */
export const changesQuery = z.object({
  after: z.exactOptional(count),
  limit: z.exactOptional(z.int().min(1).max(CHANGES_MAX)),
  user_id: z.exactOptional(z.string()),
  /** Only changes that this arm made (ADR 14). */
  origin: z.exactOptional(z.enum(ORIGINS)),
});
export const changesPage = z.strictObject({ changes: z.array(change), cursor: count, more: z.boolean() });
export type ChangesPage = z.infer<typeof changesPage>;

export const changesRequest = z.object({ changes: z.array(z.unknown()).max(CHANGES_MAX) });
export const changesApplied = z.strictObject({
  applied: count,
  skipped: count,
  rejected: z.array(z.strictObject({ seq: z.int(), reason: z.string() })),
  conflicts: z.array(z.strictObject({ seq: z.int(), kind: z.string(), key: z.string() })),
});

export type ChangesApplied = z.infer<typeof changesApplied>;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const section = z.strictObject({ count, hash: sha256, full_hash: sha256 });

export const digest = z.strictObject({
  user_id: z.string(),
  cursor: count,
  sections: z.record(z.string(), section),
  hash: sha256,
  full_hash: sha256,
});

/** Last line of an export; before it a `Change` a line. */
export const exportEnd = z.object({ cursor: count, full_hash: sha256 });

/** Whom an arm knows, in an order of its own that stays. */
export const usersQuery = z.object({
  after: z.exactOptional(z.string()),
  limit: z.exactOptional(z.int().min(1).max(CHANGES_MAX)),
});
export const users = z.strictObject({ users: z.array(z.string()), more: z.boolean() });
