import type { DataControl } from "../continuity/ports.ts";
import type { FlagControl } from "../flags/index.ts";
import type { Arm, Decision, RouteId, Subject, UnitId } from "../kernel/index.ts";

/** What the admin listener needs from the rest of the process; `app.ts` supplies it. */
export interface AdminPorts {
  readonly version: string;
  readonly flags: FlagControl;
  /** null: the configuration has no `continuity`. */
  readonly data: DataControl | null;
  readonly units: readonly UnitInfo[];
  /** null: the configuration has no `shadow`. */
  readonly shadow: ShadowReports | null;
  readonly samples: SampleRemovals;
  /** Finds the route of `GET /x` or `WS /x`; null when nothing matches, then `nearest` helps. */
  matchRoute(method: string, path: string): RouteInfo | null;
  nearestRoute(method: string, path: string): string | null;
  /** Open sockets of a subject, over all workers. */
  socketsOf(subject: string): Promise<readonly SocketInfo[]>;
  arms(): Promise<readonly ArmHealth[]>;
  /** Prometheus text of all processes. */
  metricsText(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Running totals by unit and arm, over all workers; the console derives rates from successive samples. */
  totals(): Promise<readonly UnitArmTotals[]>;
  readiness(): Readiness;
  /** Result of the last configuration load or reload. */
  configuration(): ConfigurationInfo;
  /** Name of a subject for readers without the operate token: the same keyed hash as in the log (security D2). */
  hashSubject(subject: Subject): string;
  /** Every change that the admin API made: one log line now, one audit record with the rollout issue (security A4). */
  record(change: AdminChange): void;
}

export interface ReportAsked {
  /** null: the only one that has evidence. */
  readonly unit: UnitId | null;
  /** The beginning of its id; null: the newest. */
  readonly campaign: string | null;
  /** Of the end of the evidence; null: all of it. */
  readonly sinceMs: number | null;
}

export type ReportAnswer =
  | { readonly isFound: true; readonly contentType: string; readonly text: string }
  /** `isThere`: there is evidence to be read, and not what was asked for. */
  | { readonly isFound: false; readonly isThere: boolean; readonly detail: string; readonly next: string };

export interface ShadowReports {
  report(asked: ReportAsked): Promise<ReportAnswer>;
}

export interface SampleRemovals {
  /** On request of whom they are of (shadow P5): also of units, and of processes, that mirror no more. */
  remove(subject: Subject): Promise<SamplesGone>;
}

export interface SamplesGone {
  readonly samples: number;
  /** How many had some. */
  readonly campaigns: number;
  /** Where some may be left. */
  readonly left: readonly {
    /** A file's name, "store" or "process". */
    readonly where: string;
    /** A code. */
    readonly why: string;
    /** Asking again will not help. */
    readonly isForGood: boolean;
  }[];
}

export interface AdminChange {
  readonly event:
    | "flags.set"
    | "pin.added"
    | "pin.removed"
    | "kill.on"
    | "kill.cleared"
    | "data.copy"
    | "data.repair"
    | "samples.removed";
  /** `person:<name>` as the caller says, else `token:operate`. */
  readonly actor: string;
  readonly reason: string;
  /** What changed, without subjects in clear: unit, percent, layer, pin id, subject hash. */
  readonly details: Readonly<Record<string, string | number | null>>;
}

export interface UnitInfo {
  readonly id: UnitId;
  readonly flag: string;
  readonly fixed: Arm | null;
  readonly routes: readonly RouteId[];
}
export interface RouteInfo {
  readonly route: RouteId;
  readonly unit: UnitId | null;
  readonly fixed: Arm | null;
}
export interface SocketInfo {
  readonly route: RouteId;
  readonly unit: UnitId;
  readonly arm: Arm;
  readonly ageMs: number;
  readonly decision: Decision;
}
export interface ArmHealth {
  readonly arm: Arm;
  readonly backend: string;
  readonly instances: readonly { readonly url: string; readonly isReady: boolean; readonly sinceMs: number }[];
}
/** Monotonic totals since start; `durationBuckets` are cumulative counts below `upperSeconds` (Prometheus style). */
export interface UnitArmTotals {
  readonly unit: UnitId;
  readonly arm: Arm;
  readonly requests: number;
  readonly errors: number;
  readonly sockets: number;
  readonly durationBuckets: readonly { readonly upperSeconds: number; readonly count: number }[];
}
export interface Readiness {
  readonly isReady: boolean;
  readonly checks: Readonly<Record<"configured" | "listening" | "flags" | "notDraining", boolean>>;
}
export interface ConfigurationInfo {
  readonly file: string;
  readonly hash: string;
  readonly loadedAtMs: number;
  /** The problems of a refused reload, as text; null when the file that is on disk is the one that runs. */
  readonly refusedReload: string | null;
}
