// What the room needs of an application (handoff §3): how data travels is hidden here, tables and endpoints are its own.
import type { Arm, SeatKey, SeatOrder, SeatReport, Subject, UnitId } from "../kernel/index.ts";

export type { Arm, Subject };

/** A place in the change feed of one arm. What is behind it has a greater one; 0 is the beginning. */
export type Cursor = number;

/** A change that lost against another of the same row. Named so that a person can look; never its contents. */
export interface Conflict {
  readonly section: string;
  readonly key: string;
  readonly subject: Subject;
}

/** A change that the other arm does not take, now or ever. */
export interface Refusal {
  readonly section: string;
  readonly key: string;
  readonly reason: string;
}

export interface Applied {
  readonly applied: number;
  /** Already there, or older than what is there. */
  readonly skipped: number;
  readonly conflicts: readonly Conflict[];
  /** Never to be taken as they are: passed over, and told. */
  readonly refused: readonly Refusal[];
}

export interface RelayStep extends Applied {
  /** Where the next step goes on; to be stored only now that everything before it is applied. */
  readonly cursor: Cursor;
  /** More was there than one step takes, or something has to be tried again. */
  readonly hasMore: boolean;
  /** What holds the step up: the other arm takes it later. */
  readonly blockedBy: Refusal | null;
}

export interface Carried extends Applied {
  readonly cursor: Cursor;
}

export interface Copied extends Applied {
  /** From here on the feed has everything that the copy has not. */
  readonly cursor: Cursor;
}

export interface SectionDigest {
  readonly count: number;
  /** Of what both arms write alike, whoever wrote it and when. */
  readonly hash: string;
  readonly fullHash: string;
}

/** Equal hashes: equal data. */
export interface Digest {
  readonly cursor: Cursor;
  readonly hash: string;
  readonly fullHash: string;
  readonly sections: ReadonlyMap<string, SectionDigest>;
}

/** A row as verification compares it: a fingerprint instead of contents. */
export interface RowPrint {
  readonly section: string;
  readonly key: string;
  readonly fingerprint: string;
}

/**
 * Moves a subject's data between the arms. Every method may reject with a `CarrierError`; what was applied before that stays,
 * and doing it again is harmless.
 */
export interface StateCarrier {
  /** Reads at most `rowsMax` changes of `from` behind `after`, and applies those that `from` itself made to the other arm. */
  relay(from: Arm, after: Cursor, rowsMax: number, signal: AbortSignal): Promise<RelayStep>;
  /** The same for one subject, up to the present end of the feed. */
  carry(subject: Subject, from: Arm, after: Cursor, signal: AbortSignal): Promise<Carried>;
  /** Everything that `from` holds of a subject, for a first time or a lost cursor. */
  copy(subject: Subject, from: Arm, signal: AbortSignal): Promise<Copied>;
  digest(subject: Subject, arm: Arm, signal: AbortSignal): Promise<Digest>;
  rows(subject: Subject, arm: Arm, signal: AbortSignal): Promise<readonly RowPrint[]>;
  /** The next subjects behind `after`, in an order that stays; an empty list is the end. */
  subjects(arm: Arm, after: Subject | null, signal: AbortSignal): Promise<readonly Subject[]>;
  /** The present end of an arm's feed. */
  end(arm: Arm, signal: AbortSignal): Promise<Cursor>;
  /** Drops all that `arm` holds of a subject; only shadow targets do that, a serving arm refuses. */
  clear(subject: Subject, arm: Arm, signal: AbortSignal): Promise<void>;
}

export const CARRIER_FAULTS = ["expired", "unavailable", "refused"] as const;
/** `expired`: the feed no longer has what is behind the cursor. `unavailable`: try again. `refused`: it will not work. */
export type CarrierFault = (typeof CARRIER_FAULTS)[number];

export class CarrierError extends Error {
  override readonly name = "CarrierError";
  readonly fault: CarrierFault;
  readonly arm: Arm;
  constructor(fault: CarrierFault, arm: Arm, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
    this.arm = arm;
  }
}

/** What is known of one direction; survives the process. */
export interface DirectionState {
  readonly cursor: Cursor;
  /** Everything that `from` held before the cursor has been at the other arm: by a relay from the beginning, or by copies. */
  readonly isWhole: boolean;
}

export interface CopyRun {
  readonly from: Arm;
  readonly startedAtMs: number;
  /** Subjects up to this one are done; null: none yet. */
  readonly through: Subject | null;
  readonly done: number;
}

/** Where the room remembers. A call that returns has stored. */
export interface ContinuityState {
  direction(from: Arm): DirectionState;
  saveDirection(from: Arm, state: DirectionState): void;
  /** Whether the subject was copied while the direction was not whole. */
  isCopied(subject: Subject, from: Arm): boolean;
  markCopied(subject: Subject, from: Arm): void;
  copyRun(from: Arm): CopyRun | null;
  saveCopyRun(run: CopyRun): void;
  endCopyRun(from: Arm): void;
  close(): void;
}

/** Where the keeper of the seats remembers. A call that returns has stored. */
export interface SeatState {
  /** control, unless another one was saved. */
  seat(key: SeatKey): Arm;
  saveSeat(key: SeatKey, arm: Arm): void;
  /** How many sit at the candidate. */
  guests(): ReadonlyMap<UnitId, number>;
}

/** Each serving process joins, and leaves when it ends. */
export interface SeatHub {
  join(send: (order: SeatOrder) => void): SeatMember;
}

export interface SeatMember {
  report(report: SeatReport): void;
  /** The process has ended, and with it what it had open. */
  leave(): void;
}

export interface SeatStatus {
  /** Subjects that sit at the candidate, by unit. */
  readonly atCandidate: Readonly<Record<UnitId, number>>;
  /** Subjects on their way. */
  readonly changing: number;
  /** Subjects whose way to the candidate was put off, by why. */
  readonly putOff: Readonly<Record<string, number>>;
}

export interface ContinuityLog {
  event(name: string, fields: Readonly<Record<string, unknown>>, level?: "info" | "warn" | "error"): void;
}

export interface RelayStatus {
  readonly from: Arm;
  readonly cursor: Cursor;
  readonly isWhole: boolean;
  /** How long ago everything of the feed was at the other arm, ms; null: never since the start. */
  readonly lagMs: number | null;
  readonly conflicts: number;
  readonly blockedBy: Refusal | null;
  /** Of the last attempt; null: it went well. */
  readonly failure: string | null;
}

export interface CopyProgress extends CopyRun {
  readonly isRunning: boolean;
  readonly failure: string | null;
}

export interface SectionDifference {
  readonly section: string;
  readonly control: number;
  readonly candidate: number;
}

export interface RowDifference {
  readonly section: string;
  readonly key: string;
  readonly what: "only on control" | "only on candidate" | "differs";
}

export interface Verified {
  readonly subject: Subject;
  readonly isEqual: boolean;
  readonly sections: readonly SectionDifference[];
  /** Of the sections that differ; at most 100. */
  readonly rows: readonly RowDifference[];
}

export interface ContinuityStatus {
  readonly relays: readonly RelayStatus[];
  readonly copies: readonly CopyProgress[];
  readonly seats: SeatStatus;
  /** Why nobody should be exposed to the candidate yet, as a sentence; null: everything of control has been there. */
  readonly exposureProblem: string | null;
}

/** What the admin listener offers of the room. */
export interface DataControl {
  readonly status: ContinuityStatus;
  /** Where the subject is served in this unit now, whatever the flags say. */
  armOf(key: SeatKey): Arm;
  /** @throws CarrierError */
  copy(subject: Subject, from: Arm): Promise<Copied>;
  copyAll(from: Arm): void;
  /** @throws CarrierError */
  verify(subject: Subject, signal: AbortSignal): Promise<Verified>;
  /** Copies both ways, what each has goes to the other; then looks again. @throws CarrierError */
  repair(subject: Subject, signal: AbortSignal): Promise<Verified>;
  /** The next subjects that an arm knows. @throws CarrierError */
  subjects(arm: Arm, after: Subject | null, signal: AbortSignal): Promise<readonly Subject[]>;
}

export interface Continuity extends DataControl {
  /** What the serving processes join. */
  readonly seats: SeatHub;
  /** The flags have changed. */
  redecide(): void;
  start(): void;
  stop(): Promise<void>;
  /** Whether everything of the subject has been at the other arm once, so that the relay and a carry are enough. */
  isMovable(subject: Subject, from: Arm): boolean;
  /** Brings what the relay has not brought yet. @throws CarrierError */
  carry(subject: Subject, from: Arm, signal: AbortSignal): Promise<Carried>;
}
