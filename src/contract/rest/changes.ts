// Internal endpoints that carry a user's data from arm to arm (rest.md §7).
import { z } from "zod";

/** How an arm names itself as the origin of a change. */
export const ORIGINS = ["legacy", "candidate"] as const;
export type Origin = (typeof ORIGINS)[number];

const row = z.record(z.string(), z.unknown());

/** One row as it was written, or its removal. Keys beyond these stay (G16). */
export const change = z.looseObject({
  seq: z.int().min(0),
  kind: z.string().min(1).max(64),
  op: z.enum(["upsert", "delete"]),
  key: z.string().min(1).max(1_000),
  user_id: z.string().max(128),
  version: z.int().min(1),
  origin: z.enum(ORIGINS),
  at: z.int(),
  data: row.optional(),
});
export type Change = z.output<typeof change>;

export const changesPage = z.object({ changes: z.array(change), cursor: z.int().min(0), more: z.boolean() });
export type ChangesPage = z.output<typeof changesPage>;

/** `conflicts` is ours: of the changes applied or skipped, those that lost against a write of the other arm, or beat one. */
export const changesApplied = z.object({
  applied: z.int().min(0),
  skipped: z.int().min(0),
  rejected: z.array(z.object({ seq: z.int(), reason: z.string() })),
  conflicts: z.array(z.object({ seq: z.int(), kind: z.string(), key: z.string() })).default([]),
});
export type ChangesApplied = z.output<typeof changesApplied>;

/** A rejection that begins like this may be applied later, unchanged. */
export const LATER = "later:";
export const CHANGES_MAX = 1_000;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const section = z.object({ count: z.int().min(0), hash, full_hash: hash });

export const digest = z.object({
  user_id: z.string(),
  cursor: z.int().min(0),
  sections: z.record(z.string(), section),
  hash,
  full_hash: hash,
});

export const exportEnd = z.object({ cursor: z.int().min(0), full_hash: hash });

export const users = z.object({ users: z.array(z.string()), more: z.boolean() });
