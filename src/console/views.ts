import type { ContinuityStatus, Verified } from "../continuity/ports.ts";
import type { KillRecord, Pin } from "../flags/index.ts";
import type { Arm, Reason, RouteId, UnitId } from "../kernel/index.ts";
import type { ConfigurationInfo, Readiness } from "./ports.ts";
import type { UnitArmRates } from "./rates.ts";

/** Bodies of the admin API. A field may be added within a version; renaming or removing one raises it. */
export const SCHEMA_VERSION = 1;

export interface FlagDataView {
  readonly source: string;
  readonly epoch: number;
  /** null: the source never gave usable data. */
  readonly dataAgeMs: number | null;
  readonly isStale: boolean;
}

export type ArmRatesView = Omit<UnitArmRates, "unit"> & { readonly sharePercent: number | null };

export interface UnitView {
  readonly unit: UnitId;
  readonly flag: string;
  readonly fixed: Arm | null;
  /** Share of subjects that the candidate serves now; 0 while a kill layer holds; null when nobody knows. */
  readonly exposurePercent: number | null;
  readonly arms: readonly ArmRatesView[];
}

export interface ArmView {
  readonly arm: Arm;
  readonly backend: string;
  readonly instances: readonly { readonly url: string; readonly isReady: boolean; readonly sinceMs: number }[];
}

export interface StatusView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly version: string;
  readonly nowMs: number;
  readonly readiness: Readiness;
  readonly configuration: ConfigurationInfo;
  readonly flags: FlagDataView;
  readonly kills: readonly KillRecord[];
  readonly pinCount: number;
  /** How long the window of the rates really is; 60 s once the process ran that long. */
  readonly windowMs: number;
  readonly units: readonly UnitView[];
  /** null: the workers did not say in time. */
  readonly arms: readonly ArmView[] | null;
}

export interface ExplainView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** In clear for the operate token only, else its keyed hash (security D2); null: no subject asked for. */
  readonly subject: string | null;
  readonly route: RouteId;
  readonly unit: UnitId | null;
  readonly arm: Arm;
  /** Another one while the subject's data, or what it has open, keeps it where it is. */
  readonly servedBy: Arm;
  readonly reason: Reason;
  readonly ruleId: string;
  readonly epoch: number;
  /** The deciding rule, as a sentence. */
  readonly because: string;
  /** What was asked besides, as short facts. */
  readonly checked: readonly string[];
  readonly bucket: number | null;
  readonly exposurePercent: number | null;
  readonly ceilingPercent: number | null;
  readonly term: number | null;
  readonly dataAgeMs: number | null;
  readonly source: string | null;
  readonly trace: readonly { readonly rule: string; readonly answer: string; readonly isDeciding: boolean }[];
  readonly details: Readonly<Record<string, unknown>>;
  /** null: the workers did not say in time. */
  readonly sockets:
    | readonly { readonly route: RouteId; readonly unit: UnitId; readonly arm: Arm; readonly ageMs: number }[]
    | null;
}

export interface FlagView {
  readonly unit: UnitId;
  readonly flag: string;
  readonly fixed: Arm | null;
  readonly exposurePercent: number | null;
}

export interface FlagsView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly data: FlagDataView;
  readonly flags: readonly FlagView[];
}

export interface PinsView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** `subject` in clear for the operate token only, else its keyed hash. */
  readonly pins: readonly Pin[];
}

export interface KillsView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly epoch: number;
  readonly kills: readonly KillRecord[];
}

/** All samples of a subject that could be found are gone. */
export interface SamplesRemovedView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly samples: number;
  /** How many had some. */
  readonly campaigns: number;
  /** Files that cannot be read and may hold some: a person has to look at them. */
  readonly left: readonly { readonly where: string; readonly why: string }[];
}

export type DataStatusView = ContinuityStatus & { readonly schemaVersion: typeof SCHEMA_VERSION };

export interface DataSubjectsView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly subjects: readonly string[];
}

export interface DataVerifiedView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** In the order asked. */
  readonly verified: readonly Verified[];
}

export interface ConfigView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly configuration: ConfigurationInfo;
}
