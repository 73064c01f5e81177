// The `StateCarrier` of the tutoring platform: change feeds, exports and digests of both arms (contract rest.md §7).
import { rest } from "../contract/index.ts";
import {
  type Applied,
  type Arm,
  CarrierError,
  type Conflict,
  type Cursor,
  type Refusal,
  type RelayStep,
  type RowPrint,
  type StateCarrier,
  type Subject,
} from "../continuity/ports.ts";
import { ArmData, type Limits } from "./armData.ts";
import { BoardPace } from "./boardPace.ts";
import { printOf } from "./rowPrint.ts";
import { TakenWrites } from "./takenWrites.ts";

export interface StateCarrierOptions {
  /** Origins of each arm's instances. */
  readonly urls: Readonly<Record<Arm, readonly string[]>>;
  /** Of the data endpoints of both, or of each. */
  readonly token: string | Readonly<Record<Arm, string>>;
  /** This arm's instances are shadow targets, which take marked calls only (contract G15). */
  readonly target?: Arm;
  /** Resolves after `ms`, or at once when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Ms of a clock that only goes forward. */
  readonly now?: () => number;
  /** Other than {@link LIMITS}, for tests. */
  readonly limits?: CarrierLimits;
}

interface CarrierLimits extends Limits {
  /** Of a board's state as base64: neither arm takes a larger one (handoff §7.2 Y5). */
  readonly boardChars: number;
}

const MIB = 1_048_576;
const LIMITS: CarrierLimits = {
  answerBytes: 128 * MIB,
  lineBytes: 64 * MIB,
  boardChars: 4 * Math.ceil((32 * MIB) / 3),
};

const ORIGIN: Readonly<Record<Arm, rest.Origin>> = { control: "legacy", candidate: "candidate" };
const otherOf = (arm: Arm): Arm => (arm === "control" ? "candidate" : "control");

/** What an arm takes later is offered again this often, with pauses that grow by as much. */
const TRIES = 6;
const PAUSE_MS = 100;
/** How long one waits for rows that another brings. */
const OTHERS_MS = 1_000;
/** Rows of one body: an arm takes some hundred a step in good time (handoff §3: 200 ms). */
const BATCH = 200;
const TOO_LARGE = "the board is larger than 32 MiB, which is not moved";

export function createStateCarrier(options: StateCarrierOptions): StateCarrier {
  const { urls, token, sleep, now = () => performance.now(), limits = LIMITS } = options;
  const dataOf = (arm: Arm): ArmData =>
    new ArmData({
      arm,
      urls: urls[arm],
      token: typeof token === "string" ? token : token[arm],
      isTarget: options.target === arm,
      limits,
    });
  const arms: Readonly<Record<Arm, ArmData>> = {
    control: dataOf("control"),
    candidate: dataOf("candidate"),
  };

  /** By the arm that they come from. */
  const taken: Readonly<Record<Arm, TakenWrites>> = { control: new TakenWrites(), candidate: new TakenWrites() };
  const paces: Readonly<Record<Arm, BoardPace>> = { control: new BoardPace(now), candidate: new BoardPace(now) };

  /** Applies to the arm opposite; what it takes later is offered again until it does or the tries are used up. */
  const bring = async (
    from: Arm,
    changes: readonly rest.Change[],
    signal: AbortSignal,
    tries = TRIES,
  ): Promise<Brought> => {
    const sum = nothing();
    const tooLarge = changes.filter((change) => isLargerThan(limits.boardChars, change));
    sum.refused.push(...tooLarge.map((change) => refusalOf(change, TOO_LARGE)));
    let left = changes.filter((change) => !tooLarge.includes(change));
    for (let tried = 1; left.length > 0; tried++) {
      // Numbered anew: all changes of one transaction share a place in the candidate's feed.
      const answer = await arms[otherOf(from)].apply(
        left.map((change, at) => ({ ...change, seq: at })),
        signal,
      );
      sum.applied += answer.applied;
      sum.skipped += answer.skipped;
      for (const { seq, kind, key } of answer.conflicts) {
        sum.conflicts.push({ section: kind, key, subject: left[seq]?.user_id ?? "" });
      }
      const again: rest.Change[] = [];
      const rejected = new Set(answer.rejected.map(({ seq }) => seq));
      for (const [at, change] of left.entries()) if (!rejected.has(at)) taken[from].note(change);
      for (const { seq, reason } of answer.rejected) {
        const change = left[seq];
        if (change === undefined) continue;
        if (!reason.startsWith(rest.LATER)) sum.refused.push(refusalOf(change, reason));
        else if (tried === tries) sum.waiting.push({ change, reason });
        else again.push(change);
      }
      left = again;
      if (left.length > 0) await sleep(PAUSE_MS * tried, signal);
      if (signal.aborted) throw new CarrierError("unavailable", from, "stopped");
    }
    return sum;
  };

  /** Those that the other arm has not taken yet; what the relay or a carry brings just now is waited for. */
  const bringNew = async (from: Arm, changes: readonly rest.Change[], signal: AbortSignal): Promise<Brought> => {
    const known = taken[from];
    const isNew = (change: rest.Change): boolean => !known.has(change);
    const ended = known.ended(changes.filter(isNew));
    if (ended !== null) await withinTime(ended, signal);
    const untaken = changes.filter(isNew);
    const brought = await known.during(untaken, bring(from, untaken, signal, 1));
    brought.skipped += changes.length - untaken.length;
    return brought;
  };

  const withinTime = async (ended: Promise<unknown>, signal: AbortSignal): Promise<void> => {
    const over = new AbortController();
    await Promise.race([ended, sleep(OTHERS_MS, AbortSignal.any([signal, over.signal]))]);
    over.abort();
  };

  const bringAll = async (from: Arm, changes: readonly rest.Change[], signal: AbortSignal): Promise<Brought> => {
    const brought = await bring(from, changes, signal);
    const [first] = brought.waiting;
    if (first === undefined) return brought;
    throw new CarrierError("unavailable", otherOf(from), `${otherOf(from)} does not take a row yet: ${first.reason}`);
  };

  /** Rows whose session came behind them, once everything has been read. */
  const bringLast = async (sum: Brought, from: Arm, waiting: readonly rest.Change[], signal: AbortSignal) => {
    for (let at = 0; at < waiting.length; at += BATCH) {
      add(sum, await bringAll(from, waiting.slice(at, at + BATCH), signal));
    }
  };

  const copy: StateCarrier["copy"] = async (subject, from, signal) => {
    const sum = nothing();
    const rows = arms[from].export(subject, signal);
    /** Rows whose session comes behind them: the export is in the order of names. */
    const waiting: rest.Change[] = [];
    let batch: rest.Change[] = [];
    for (;;) {
      const next = await rows.next();
      if (next.done !== true) batch.push(next.value);
      if (batch.length === BATCH || next.done === true) {
        const brought = await bring(from, batch, signal, 1);
        waiting.push(...brought.waiting.map(({ change }) => change));
        add(sum, brought);
        batch = [];
      }
      if (next.done !== true) continue;
      await bringLast(sum, from, waiting, signal);
      return { ...told(sum), cursor: next.value };
    }
  };

  /**
   * A feed has each row at the place of its newest change, so a session stands behind its messages, pages away perhaps:
   * whoever has such rows is copied whole. Gives what is still not taken.
   */
  const copyWaiting = async (from: Arm, brought: Brought, signal: AbortSignal): Promise<Refusal | null> => {
    const { waiting } = brought;
    for (const subject of new Set(waiting.map(({ change }) => change.user_id))) {
      try {
        add(brought, await copy(subject, from, signal));
      } catch (error) {
        if (!(error instanceof CarrierError) || signal.aborted) throw error;
        const row = waiting.find(({ change }) => change.user_id === subject);
        if (row !== undefined) return refusalOf(row.change, row.reason);
      }
    }
    return null;
  };

  return {
    async relay(from, after, rowsMax, signal): Promise<RelayStep> {
      const pace = paces[from];
      const page = await arms[from].changes(
        { after: pace.readFrom(after), limit: rowsMax, origin: ORIGIN[from] },
        signal,
      );
      // What came from the other arm is known there; an arm of before does not know how to leave it out.
      const isOwn = ({ origin }: rest.Change): boolean => origin === ORIGIN[from];
      const step = pace.step(after, page, isOwn);
      const brought = await bringNew(from, step.changes, signal);
      brought.skipped += step.known;
      const blocking = await copyWaiting(from, brought, signal);
      const waiting = blocking === null ? [] : brought.waiting.map(({ change }) => change);
      const cursor = step.done(waiting, brought.refused);
      return { ...told(brought), cursor, hasMore: blocking !== null || page.more, blockedBy: blocking };
    },

    async carry(subject, from, after, signal) {
      const sum = nothing();
      const waiting: rest.Change[] = [];
      for (let cursor = after; ; ) {
        const request = { after: cursor, limit: rest.CHANGES_MAX, subject, origin: ORIGIN[from] };
        const page = await arms[from].changes(request, signal);
        const own = page.changes.filter(({ origin }) => origin === ORIGIN[from]);
        const brought = await bringNew(from, own, signal);
        waiting.push(...brought.waiting.map(({ change }) => change));
        add(sum, brought);
        cursor = page.cursor;
        if (page.more) continue;
        await bringLast(sum, from, waiting, signal);
        return { ...told(sum), cursor };
      }
    },

    copy,

    async digest(subject, arm, signal) {
      const { cursor, hash, full_hash: fullHash, sections } = await arms[arm].digest(subject, signal);
      const entries = Object.entries(sections).map(
        ([name, one]) => [name, { count: one.count, hash: one.hash, fullHash: one.full_hash }] as const,
      );
      return { cursor, hash, fullHash, sections: new Map(entries) };
    },

    async rows(subject, arm, signal): Promise<readonly RowPrint[]> {
      const prints: RowPrint[] = [];
      for await (const { kind, key, data } of arms[arm].export(subject, signal)) {
        prints.push({ section: kind, key, fingerprint: await printOf({ kind, data: data ?? {} }) });
      }
      return prints;
    },

    async subjects(arm, after, signal): Promise<readonly Subject[]> {
      return (await arms[arm].users(after, signal)).users;
    },

    clear: (subject, arm, signal) => arms[arm].clear(subject, signal),

    // A subject that nobody is: the digest of nothing, and the present end of the feed.
    end: async (arm, signal): Promise<Cursor> => (await arms[arm].digest("-", signal)).cursor,
  };
}

interface Brought {
  applied: number;
  skipped: number;
  readonly conflicts: Conflict[];
  readonly refused: Refusal[];
  /** What is not taken yet, after all tries. */
  readonly waiting: { readonly change: rest.Change; readonly reason: string }[];
}

const nothing = (): Brought => ({ applied: 0, skipped: 0, conflicts: [], refused: [], waiting: [] });

function add(sum: Brought, { applied, skipped, conflicts, refused }: Applied): void {
  sum.applied += applied;
  sum.skipped += skipped;
  sum.conflicts.push(...conflicts);
  sum.refused.push(...refused);
}

const told = ({ applied, skipped, conflicts, refused }: Brought): Applied => ({ applied, skipped, conflicts, refused });

/** Without its row it was too large to be read. */
const isLargerThan = (chars: number, { kind, op, data }: rest.Change): boolean =>
  kind === "yjs_snapshots" && op === "upsert" && (data === undefined || String(data["state"]).length > chars);

function refusalOf({ kind, key }: rest.Change, reason: string): Refusal {
  return { section: kind, key, reason };
}
