import type { Arm, Decision, Subject, UnitId } from "../kernel/index.ts";

/** Unleash's client-features document, as the file holds it and the server sends it. */
export interface ClientFeatures {
  readonly version: number;
  readonly features: readonly FeatureDefinition[];
  readonly segments?: readonly SegmentDefinition[];
  readonly meta?: { readonly revisionId?: number; readonly [key: string]: unknown };
}
export interface FeatureDefinition {
  readonly name: string;
  readonly enabled: boolean;
  readonly strategies?: readonly StrategyDefinition[];
  readonly [key: string]: unknown;
}
export interface StrategyDefinition {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly constraints?: readonly unknown[];
  readonly segments?: readonly number[];
  readonly [key: string]: unknown;
}
export interface SegmentDefinition {
  readonly id: number;
  readonly constraints: readonly unknown[];
  readonly [key: string]: unknown;
}

/** One reading of a flag source. `data` is null until the source ever gave anything usable. */
export interface FlagReading {
  readonly source: "file" | "unleash" | "last-known";
  readonly data: ClientFeatures | null;
  /** Epoch ms at which the source last confirmed `data`. */
  readonly confirmedAtMs: number;
}

/** Where flags come from. A source never throws at a caller: it keeps its last reading and says how old it is. */
export interface FlagSource {
  start(onReading: (reading: FlagReading) => void): Promise<void>;
  readonly reading: FlagReading;
  stop(): Promise<void>;
}

/** Changes flags: a file now, an Unleash server later. */
export interface FlagWriter {
  /** Sets a unit's exposure, percent with at most one decimal; rejects with a clear error when refused. */
  setExposure(flag: string, percent: number, actor: string): Promise<void>;
}

export const KILL_LAYERS = ["L0", "L1", "L3", "L4", "L6"] as const;
export type KillLayer = (typeof KILL_LAYERS)[number];

export interface KillRecord {
  readonly layer: KillLayer;
  readonly reason: string;
  readonly actor: string;
  readonly sinceMs: number;
}

export interface Pin {
  readonly id: string;
  readonly subject: Subject;
  /** null: every unit. */
  readonly unit: UnitId | null;
  readonly arm: Arm;
  readonly reason: string;
  readonly actor: string;
  readonly createdAtMs: number;
  readonly untilMs: number;
}

/** What people changed at run time; plain JSON, kept in the state folder. */
export interface Overrides {
  readonly kills: readonly KillRecord[];
  readonly pins: readonly Pin[];
}

/** A unit's right to serve from the candidate (rollout.md §4); the rollout issue supplies it, until then it is absent. */
export interface Lease {
  readonly term: number;
  readonly seq: number;
  readonly ceilingPercent: number;
  readonly expiresAtMs: number;
  readonly isRetired: boolean;
}

/** Everything a decision reads, frozen, replaced as a whole; serialisable, so that worker processes get the same. */
export interface FlagStateData {
  readonly epoch: number;
  readonly reading: FlagReading;
  readonly overrides: Overrides;
  readonly leases: Readonly<Record<UnitId, Lease>>;
}

/** A unit as `decide` sees it. */
export interface DecidableUnit {
  readonly id: UnitId;
  readonly flag: string;
}

/** Compiled from `FlagStateData`; cheap to ask, never changes. */
export interface FlagState {
  readonly data: FlagStateData;
  decide(unit: DecidableUnit, subject: Subject | null, nowMs: number): Decision & { readonly isStale: boolean };
  explain(unit: DecidableUnit, subject: Subject | null, nowMs: number): Explanation;
}

export interface Explanation {
  readonly decision: Decision & { readonly isStale: boolean };
  /** Bucket of the subject, 0.0 … 99.9, null without a subject. */
  readonly bucket: number | null;
  readonly exposurePercent: number | null;
  readonly ceilingPercent: number | null;
  readonly term: number | null;
  readonly dataAgeMs: number | null;
  readonly source: string;
  /** Each rule asked, in order, with its answer. */
  readonly trace: readonly { readonly rule: string; readonly answer: string; readonly isDeciding: boolean }[];
  /** OpenFeature-shaped evaluation details (rollout.md §1.4). */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The control plane's one owner of flags and overrides; every change swaps one frozen state and raises `epoch`. */
export interface FlagControl {
  readonly state: FlagState;
  start(): Promise<void>;
  /**
   * Called with each new state after it holds; returns the unsubscribe. Every 10 s it is also called with an unchanged
   * epoch, when nothing but the data's age was renewed: other processes need that to tell old flags from quiet ones.
   */
  onChange(listener: (state: FlagState) => void): () => void;
  /** Switches a kill layer on; recorded in the state folder before it returns. Legal at any time. */
  kill(layer: "L0" | "L1", reason: string, actor: string): Promise<void>;
  /** Clears one layer; L4 cannot be cleared while its variable is set. */
  clearKill(layer: KillLayer, reason: string, actor: string): Promise<void>;
  addPin(pin: Omit<Pin, "id" | "createdAtMs">): Promise<Pin>;
  removePin(id: string, actor: string): Promise<boolean>;
  readonly writer: FlagWriter;
  stop(): Promise<void>;
}

/** Something about the flags that is wrong and did not stop anything: the last valid state goes on deciding. */
export interface FlagProblem {
  readonly code:
    | "flag-file"
    | "flag-invalid"
    | "last-known"
    | "kill-file"
    | "state-folder"
    | "state-write"
    | "audit-lost"
    | "listener";
  readonly message: string;
  /** The flag, with `flag-invalid`. */
  readonly flag: string | null;
}
