// Storing rows of the other arm (contract rest.md §7): a change applies when it is the later write of its row, and keeps
// its version and origin. What this arm derives from rows is brought up to date in the same transaction.
import { type Infer, v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { type Change, compareWrites, isSameJson, readChange } from "./changeShape.ts";
import { MERGED_KIND } from "./kinds.ts";
import { type Applying, type Fields, type KindTable, Refusal } from "./kinds/kind.ts";
import { isHeldByOther } from "./leases.ts";
import { changeOf, note, OWN_ORIGIN } from "./rows.ts";
import { endSession, sessionById } from "./sessions.ts";

export const givenChange = v.object({
  /** JSON text of the change. */
  json: v.string(),
  /** Number of the row in its session, where its id derives from one (G4). */
  row: v.optional(v.number()),
});
type Given = Infer<typeof givenChange>;

export const result = v.object({
  outcome: v.union(v.literal("applied"), v.literal("skipped"), v.literal("rejected")),
  reason: v.optional(v.string()),
  /** Somebody's write has lost. */
  isConflict: v.optional(v.boolean()),
});
type Result = Infer<typeof result>;

const skipped = (isConflict = false): Result => ({ outcome: "skipped", ...(isConflict && { isConflict }) });
const rejected = (reason: string): Result => ({ outcome: "rejected", reason });

interface Open {
  session: Doc<"sessions"> | null;
  changes: Partial<Fields<"sessions">>;
}

interface Work extends Applying {
  readonly now: number;
  /** The row of a session was made or removed. */
  forget(publicId: string): void;
  /** Instances that hold the session read it again. */
  touch(session: Doc<"sessions">): void;
  flush(): Promise<void>;
}

function createWork(ctx: MutationCtx, now: number): Work {
  const opened = new Map<string, Open>();
  const patchSession: Applying["patchSession"] = (session, changes) => {
    const open = opened.get(session.publicId) ?? { session, changes: {} };
    const all = { ...open.changes, ...changes };
    opened.set(session.publicId, { session: { ...session, ...all }, changes: all });
  };
  return {
    ctx,
    now,
    async session(publicId) {
      const known = opened.get(publicId);
      if (known) return known.session;
      const session = await sessionById(ctx, publicId);
      opened.set(publicId, { session, changes: {} });
      return session;
    },
    patchSession,
    dropSession: (session) => endSession(ctx, session, now, true),
    forget: (publicId) => void opened.delete(publicId),
    touch(session) {
      const before = opened.get(session.publicId)?.changes.revision;
      if (before === undefined) patchSession(session, { revision: (session.revision ?? 0) + 1 });
    },
    async flush() {
      for (const { session, changes } of opened.values()) {
        if (session && Object.keys(changes).length > 0) await ctx.db.patch("sessions", session._id, changes);
      }
    },
  };
}

/** The session a change names; null where only its row knows it. */
function sessionIdOf({ kind, key, data }: Change): string | null {
  if (kind.session === undefined) return null;
  if (data) return data["session_id"] as string;
  const end = key.indexOf("/");
  return end < 0 ? null : key.slice(0, end);
}

const isRemoved = async (ctx: MutationCtx, sessionId: string): Promise<boolean> =>
  (await changeOf(ctx, "sessions", sessionId))?.op === "delete";

/** What a change of a session that is not here becomes; null: it goes on without. */
async function withoutSession(ctx: MutationCtx, change: Change, sessionId: string): Promise<Result | null> {
  if (change.kind.session !== "required") return null;
  if (await isRemoved(ctx, sessionId)) return skipped();
  return change.op === "delete" ? null : rejected("later: the session is not here yet");
}

interface Target {
  readonly change: Change;
  readonly stored: Doc<"changes"> | null;
  readonly existing: Doc<KindTable> | null;
  readonly session: Doc<"sessions"> | null;
}

function isForeign({ change, stored, existing, session }: Target): boolean {
  const { kind, userId } = change;
  if (session && session.userId !== userId) return true;
  if (stored && stored.userId !== userId) return true;
  return existing !== null && kind.owner(existing, session ?? { publicId: "", userId }) !== userId;
}

/** Whether a change that does not apply says something else than what is stored. */
async function isOtherData(ctx: MutationCtx, { change, stored, existing }: Target): Promise<boolean> {
  if (stored?.op !== change.op) return true;
  if (!change.data || !existing) return false;
  return !isSameJson(await change.kind.project(ctx, existing, change.key), change.data);
}

async function write(work: Work, target: Target, row: number | undefined): Promise<Refusal | null> {
  const { change, stored, existing, session } = target;
  const { kind, key, op, userId, version, origin, at, data } = change;
  const before = stored?.seen ?? 0;
  const seen = origin === OWN_ORIGIN ? before : Math.max(before, version);
  let id: Id<KindTable> | null = null;
  if (data) {
    const made = await kind.apply(work, { data, key, existing, session, row });
    if (made instanceof Refusal) return made;
    id = made;
  } else if (existing) {
    await work.ctx.db.delete(kind.table, existing._id);
    await kind.removed?.(work, existing, session);
  }
  if (kind.name === "sessions" && (!data || !existing)) work.forget(key);
  const touched = kind.name === "sessions" ? await work.session(key) : kind.session === "required" ? session : null;
  if (touched) work.touch((await work.session(touched.publicId)) ?? touched);
  await note(work.ctx, { kind: kind.name, key, userId, op, version, origin, at, row: id, seen }, stored);
  return null;
}

/** A row that no longer counts is not in the way of a new one of its key, purged or not. */
const isPast = ({ change, existing }: Target): boolean =>
  existing !== null && (change.kind.keptUntil?.(existing) ?? Number.POSITIVE_INFINITY) <= Date.now();

/** An older state of the same history is no loss; another arm's write that never shows is one. */
async function isLoss(ctx: MutationCtx, target: Target, stored: Doc<"changes">): Promise<boolean> {
  const { version, origin } = target.change;
  if (origin === stored.origin || (origin !== OWN_ORIGIN && version <= (stored.seen ?? 0))) return false;
  return isOtherData(ctx, target);
}

/** Whether a write of ours gives way that the other arm did not know of. */
async function takesOver(ctx: MutationCtx, target: Target, stored: Doc<"changes">): Promise<boolean> {
  const { version, origin, seen } = target.change;
  if (seen === null || origin === OWN_ORIGIN) return stored.version === version;
  return stored.origin === OWN_ORIGIN && seen < stored.version && (await isOtherData(ctx, target));
}

async function decide(work: Work, target: Target, row: number | undefined): Promise<Result> {
  const { change, stored } = target;
  if (isForeign(target)) return rejected("the row belongs to another user");
  const before = isPast(target) ? null : stored;
  const order = before ? compareWrites(change, before) : 1;
  if (before && order <= 0) return skipped(await isLoss(work.ctx, target, before));
  const isConflict = before !== null && (await takesOver(work.ctx, target, before));
  const refusal = await write(work, target, row);
  if (refusal) return rejected(refusal.reason);
  return { outcome: "applied", ...(isConflict && { isConflict }) };
}

/**
 * A board goes only with its session. Where that lives on, the later deletion is answered with a write of our own: the
 * other arm, which has taken the session back, gets its board back too. Without a board the deletion is remembered, since
 * the versions of the next one go on from it.
 */
async function outliveDeletion(work: Work, { kind, key, userId, version, origin, at }: Change): Promise<Result> {
  const session = await work.session(key);
  const stored = await changeOf(work.ctx, kind.name, key);
  if (!session || (stored && compareWrites({ version, origin }, stored) <= 0)) return skipped();
  if (session.userId !== userId) return rejected("the row belongs to another user");
  const seen = Math.max(stored?.seen ?? 0, version);
  const row = stored?.op === "upsert" ? stored.row : null;
  const answer = { op: "upsert" as const, version: version + 1, origin: OWN_ORIGIN, at: work.now };
  const deletion = { op: "delete" as const, version, origin, at };
  await note(work.ctx, { kind: kind.name, key, userId, row, seen, ...(row === null ? deletion : answer) }, stored);
  return row === null ? { outcome: "applied" } : skipped();
}

async function applyOne(work: Work, { json, row }: Given): Promise<Result> {
  const change = readChange(JSON.parse(json));
  if (typeof change === "string") return rejected(change);
  const { kind, key, data } = change;
  if (kind.name === MERGED_KIND) {
    // Its contents are merged (boardMerge.ts).
    return data ? rejected("a board is merged, not replaced") : outliveDeletion(work, change);
  }
  const sessionId = sessionIdOf(change);
  const session = sessionId === null ? null : await work.session(sessionId);
  if (sessionId !== null && !session) {
    const result = await withoutSession(work.ctx, change, sessionId);
    if (result) return result;
  }
  const stored = await changeOf(work.ctx, kind.name, key);
  const existing = await kind.find(work.ctx, key, session);
  return decide(work, { change, stored, existing, session }, row);
}

export const givenGroup = v.object({
  /** The session whose changes these are, for who holds it now. */
  session: v.optional(v.string()),
  changes: v.array(givenChange),
});

export interface Batch {
  /** Of the service. */
  readonly instance: string;
  readonly now: number;
  readonly groups: readonly Infer<typeof givenGroup>[];
}

export const groupResult = v.union(
  v.object({ status: v.literal("done"), results: v.array(result) }),
  v.object({ status: v.literal("busy") }),
);
type GroupResult = Infer<typeof groupResult>;

/**
 * For each group one result per change, in their order; `busy` where another instance runs a turn of the session, and of
 * that group nothing was done.
 */
export async function applyBatch(ctx: MutationCtx, { instance, now, groups }: Batch): Promise<GroupResult[]> {
  const work = createWork(ctx, now);
  const told: GroupResult[] = [];
  for (const { session, changes } of groups) {
    const held = session === undefined ? null : await work.session(session);
    if (held && (await isHeldByOther(ctx, held._id, instance))) {
      told.push({ status: "busy" });
      continue;
    }
    const results: Result[] = [];
    for (const change of changes) results.push(await applyOne(work, change));
    told.push({ status: "done", results });
  }
  await work.flush();
  return told;
}
