// Validators used by more than one table or function; types follow from them.
import { type Infer, v } from "convex/values";

export const analysisStatus = v.union(v.literal("processing"), v.literal("success"), v.literal("failed"), v.null());
export const messageRole = v.union(v.literal("user"), v.literal("assistant"));
export const jobKind = v.union(v.literal("session_analysis"), v.literal("embedding"));
export const jobStatus = v.union(v.literal("queued"), v.literal("running"), v.literal("success"), v.literal("failed"));

/** Of a change (contract rest.md §7). */
export const changeOp = v.union(v.literal("upsert"), v.literal("delete"));
export type ChangeOp = Infer<typeof changeOp>;
export const origin = v.union(v.literal("legacy"), v.literal("candidate"));
export type Origin = Infer<typeof origin>;

/** How a keyed request names itself (G10). */
export const keyedRequest = v.object({
  method: v.string(),
  path: v.string(),
  key: v.string(),
  fingerprint: v.string(),
});
export type KeyedRequest = Infer<typeof keyedRequest>;

/** What every REST write takes besides its own arguments. */
export const writeArgs = {
  /** Time to store, epoch ms: the service's clock stamps what it stores and what it sends alike. */
  now: v.number(),
  keyed: v.optional(keyedRequest),
  /** Computes the reply and stores nothing. */
  dryRun: v.optional(v.boolean()),
};

/** Outcome of a REST write: the reply to send, or why there is none. */
export const writeOutcome = v.union(
  v.object({ outcome: v.literal("done"), status: v.number(), body: v.union(v.string(), v.null()) }),
  v.object({ outcome: v.literal("replayed"), status: v.number(), body: v.union(v.string(), v.null()) }),
  v.object({ outcome: v.literal("reused") }),
  v.object({ outcome: v.literal("not_found") }),
  v.object({ outcome: v.literal("stale") }),
  v.object({ outcome: v.literal("busy") }),
);
export type WriteOutcome = Infer<typeof writeOutcome>;

/** A row of the conversation, as functions return it. */
export const message = v.object({
  turnNo: v.number(),
  role: messageRole,
  text: v.union(v.string(), v.null()),
  payloadJson: v.union(v.string(), v.null()),
  snapshotIndex: v.union(v.number(), v.null()),
  createdAt: v.number(),
});

export const folder = v.object({ id: v.string(), name: v.string(), created_at: v.string() });

export const session = v.object({
  id: v.string(),
  folder_id: v.union(v.string(), v.null()),
  interaction_mode: v.string(),
  latest_turn_no: v.number(),
  analysis_status: analysisStatus,
  created_at: v.string(),
  updated_at: v.string(),
  ended_at: v.union(v.string(), v.null()),
});

/** Reads as of an earlier time: rows made later are left out. Absent: the present. */
export const readArgs = { asOf: v.optional(v.number()) };
