// Evidence as it is stored and read (shadow §§4, 14): counts and redacted samples, nothing that names a person.
import type { Arm } from "../../kernel/index.ts";
import type { DifferenceKind, NotComparedReason, Severity, VerdictName } from "../words.ts";
import type { FamilyState, Confirmation } from "./family.ts";
import type { RunGroups } from "./groupCounts.ts";
import type { BucketCounts } from "./logHistogram.ts";
import type { Rechecks } from "./rechecks.ts";

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
  /** Exact up to 32, then within 6.5 % (standard error). */
  readonly groups: number;
  readonly confirmedBy: Confirmation | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly firstBuild: string;
  readonly lastBuild: string;
  /** Known from the campaign before this one, and not seen in this one. */
  readonly isCarried: boolean;
  /** When it was found to be gone, the last time; null: never. */
  readonly fixed: FixedIn | null;
}

export interface FixedIn {
  /** Epoch ms. */
  readonly atMs: number;
  readonly build: string;
}

/** What else a family needs to be added up, and to come back after a restart. */
export interface FamilyMemory {
  /** Samples, of which the reservoir kept a few. */
  readonly offered: number;
  /** Epoch ms: when it was first seen in this campaign; null: it is carried. */
  readonly sinceMs: number | null;
  /** Epoch ms: the first time that it was gone, as far as this campaign knows. */
  readonly goneMs: number | null;
  /** Of a `Distinct`. */
  readonly groups: string;
  readonly rechecks: Rechecks;
  readonly isByTest: boolean;
}

/** Of one run: `differing`, `groups`, `offered` and `rechecks` are what it counted itself. */
export interface FamilyPart extends FamilyRow {
  readonly memory: FamilyMemory;
}

/** Whose sample it is, without the sample. */
export type SampleSeat = Pick<SampleRow, "group">;

export interface SampleRow {
  readonly family: string;
  /** 0 … 11: another sample of this place and run replaces it. */
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

/** Of a unit whose groups are seeded before they are in the sample (shadow J1): a gauge. */
export interface GroupCounts {
  /** Without a seed: in no sample. */
  readonly waiting: number;
  readonly seeded: number;
  readonly diverged: number;
}

/** All that changed since the last checkpoint of one campaign. Minute rows replace those of the same minute. */
export interface Checkpoint {
  readonly campaign: CampaignRow;
  /**
   * Names one series of counts: one process that begins a campaign, or begins it again, or whose thread was restarted, takes a name
   * that nobody had. Rows replace those of the same name and add up with all others.
   */
  readonly process: string;
  readonly atMs: number;
  readonly minutes: readonly MinuteRow[];
  readonly families: readonly FamilyPart[];
  readonly samples: readonly SampleRow[];
  /** Null: nothing is seeded. */
  readonly groups: GroupCounts | null;
  /** The last one of this name: another campaign has begun, and nothing will be missing. */
  readonly isEnded?: boolean;
}

export interface Window {
  /** Epoch ms; `to` excluded. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface StoredSample extends SampleRow {
  /** Of which run: its place says which of its samples it is. */
  readonly process: string;
}

/** What a campaign knows already when a process begins it. */
export interface Resumed {
  /** As it was first stored; null: nobody has begun it. */
  readonly campaign: CampaignRow | null;
  /** Added up, of all runs. */
  readonly families: readonly FamilyPart[];
  /** By the names of families. */
  readonly seats: ReadonlyMap<string, readonly SampleSeat[]>;
  /** Of the unit's campaign before this one, where nobody has begun it. */
  readonly carried: CarriedFamilies;
  /** Comparisons of each route so far, where a carried family waits for them. */
  readonly compared: ReadonlyMap<string, number>;
}

export interface CarriedFamilies {
  readonly families: readonly FamilyRow[];
  /** Further ones. */
  readonly leftOut: number;
}

/** For reports, also while others write. Changes nothing. */
export interface EvidenceReader {
  /** Newest first. */
  campaigns(unit?: string): Promise<readonly CampaignRow[]>;
  /** Summed over processes and time, by route. */
  totals(campaign: string, window: Window): Promise<readonly RouteTotals[]>;
  /** By name, added up. */
  families(campaign: string): Promise<readonly FamilyRow[]>;
  /** At most 12, however many runs have kept some. */
  samples(campaign: string, family: string): Promise<readonly StoredSample[]>;
  gaps(campaign: string): Promise<readonly GapRow[]>;
  /** Of all runs, to be added up by `sumGroups`. */
  groups(campaign: string): Promise<readonly RunGroups[]>;
  bytes(): Promise<number>;
  /** null: no key was given. */
  readonly bodies: BodyReader | null;
  close(): Promise<void>;
}

export interface CampaignEnd {
  /** Epoch ms: start of the last minute of which anything was counted; 0: nothing was. */
  readonly lastMs: number;
  /** Epoch ms: its end, or that of a later gap. */
  readonly untilMs: number;
}

/** Of one family: as many as there were, and a fair few of them. */
export interface KeptOfFamily {
  readonly offered: number;
  readonly samples: readonly StoredSample[];
}

/** A reader whose rows can be added to those of others of the same campaign (shadow §14: summed on read). */
export interface AddableReader extends EvidenceReader {
  parts(campaign: string): Promise<readonly FamilyPart[]>;
  kept(campaign: string, family: string): Promise<KeptOfFamily>;
  /** Of all families, by their names: one question instead of hundreds. */
  allKept(campaign: string): Promise<ReadonlyMap<string, KeptOfFamily>>;
  end(campaign: string): Promise<CampaignEnd>;
}

/**
 * Where evidence is kept. Whatever fails rejects with an `EvidenceError`, changes nothing, and may be tried again. Only the compare
 * thread writes.
 */
export interface EvidenceStore extends EvidenceReader {
  save(checkpoint: Checkpoint): Promise<void>;
  resume(campaign: Pick<CampaignRow, "id" | "unit">): Promise<Resumed>;
  /** On request of the person they are of (shadow P5): samples and bodies, of all campaigns. @param printOf the group in one of them */
  removeGroup(printOf: (campaign: string) => string): Promise<RemovedSamples>;
  /** What is over its time goes; hours and days are summed; rows of runs that are over become one. */
  expire(nowMs: number): Promise<void>;
  readonly bodies: BodyStore | null;
}

export interface RemovedSamples {
  readonly samples: number;
  /** Ids of those that had some. */
  readonly campaigns: readonly string[];
}

/** One sample's. */
export interface BodyPlace {
  readonly campaign: string;
  readonly family: string;
  readonly process: string;
  readonly place: number;
}

export interface BodyRow extends BodyPlace {
  /** HMAC. */
  readonly group: string;
  readonly atMs: number;
  /** Redacted; JSON. */
  readonly body: unknown;
}

export interface BodyReader {
  /** null: there is none, or it had to go. @throws EvidenceError `unreadable`: changed, or another key */
  body(place: BodyPlace): Promise<Pick<BodyRow, "atMs" | "body"> | null>;
  bytes(): Promise<number>;
}

/** Redacted bodies (shadow P2): encrypted, in a ring by bytes. */
export interface BodyStore extends BodyReader {
  /** Behind the `save` of its sample: a sample that is replaced takes its body along. Gives how many had to go for room. */
  save(row: BodyRow): Promise<number>;
}

export interface RouteTotals {
  readonly route: string;
  readonly sampled: number;
  readonly verdicts: Readonly<Partial<Record<VerdictName, number>>>;
  readonly notCompared: Readonly<Partial<Record<NotComparedReason, number>>>;
  readonly latency: Readonly<Record<Arm, BucketCounts>>;
}
