// Evidence as it is stored and read (shadow §§4, 14): counts and redacted samples, nothing that names a person.
import type { Arm } from "../../kernel/index.ts";
import type { DifferenceKind, NotComparedReason, Severity, VerdictName } from "../words.ts";
import type { FamilyState, Confirmation } from "./families.ts";
import type { BucketCounts } from "./logHistogram.ts";

/** A series of evidence: another build or rule begins another one (shadow, terms). */
export interface CampaignRow {
  /** HMAC-free: a hash of what makes it. */
  readonly id: string;
  readonly unit: string;
  readonly controlBuild: string;
  readonly candidateBuild: string;
  readonly rulesHash: string;
  /** Epoch ms. */
  readonly startedMs: number;
}

/** What one process counted in one minute on one route. */
export interface MinuteRow {
  readonly process: string;
  /** Epoch minutes. */
  readonly minute: number;
  readonly route: string;
  readonly sampled: number;
  /** Without `not_compared`. */
  readonly verdicts: Readonly<Partial<Record<VerdictName, number>>>;
  readonly notCompared: Readonly<Partial<Record<NotComparedReason, number>>>;
  readonly latency: Readonly<Record<Arm, BucketCounts>>;
}

export interface FamilyRow {
  readonly name: string;
  readonly route: string;
  readonly template: string;
  readonly kind: DifferenceKind;
  readonly severity: Severity;
  readonly control: string | null;
  readonly candidate: string | null;
  readonly state: FamilyState;
  readonly differing: number;
  readonly groups: number;
  readonly confirmedBy: Confirmation | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly firstBuild: string;
  readonly lastBuild: string;
}

export interface SampleRow {
  readonly family: string;
  /** 0 … 11: another sample of this place replaces it. */
  readonly place: number;
  /** HMAC. */
  readonly group: string;
  readonly atMs: number;
  /** Redacted; JSON. */
  readonly body: unknown;
}

/** A time of which evidence is missing: the process had ended without saying so. */
export interface GapRow {
  readonly process: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** All that changed since the last checkpoint of one campaign. Minute rows replace those of the same minute. */
export interface Checkpoint {
  readonly campaign: CampaignRow;
  readonly process: string;
  readonly atMs: number;
  readonly minutes: readonly MinuteRow[];
  readonly families: readonly FamilyRow[];
  readonly samples: readonly SampleRow[];
}

export interface Window {
  /** Epoch ms; `to` excluded. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where evidence is kept. Synchronous or not is the adapter's matter; only the compare thread writes. */
export interface EvidenceStore {
  save(checkpoint: Checkpoint): Promise<void>;
  /** Newest first. */
  campaigns(unit?: string): Promise<readonly CampaignRow[]>;
  /** Summed over processes and time, by route. */
  totals(campaign: string, window: Window): Promise<readonly RouteTotals[]>;
  families(campaign: string): Promise<readonly FamilyRow[]>;
  samples(campaign: string, family: string): Promise<readonly SampleRow[]>;
  gaps(campaign: string): Promise<readonly GapRow[]>;
  /** On request of the person they are of (shadow P5). Gives how many there were. */
  removeGroup(group: string): Promise<number>;
  /** What is over its time goes; minutes become hours. */
  expire(nowMs: number): Promise<void>;
  bytes(): Promise<number>;
  close(): Promise<void>;
}

export interface RouteTotals {
  readonly route: string;
  readonly sampled: number;
  readonly verdicts: Readonly<Partial<Record<VerdictName, number>>>;
  readonly notCompared: Readonly<Partial<Record<NotComparedReason, number>>>;
  readonly latency: Readonly<Record<Arm, BucketCounts>>;
}
