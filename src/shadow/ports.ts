// What an application plugs into the shadow, and what other rooms may know of it.
import type { AcceptCondition } from "./compare/bodyRules.ts";
import type { NormaliserTable } from "./compare/normalisers.ts";
import type { ShadowCodec, SocketFrame } from "./conversation/codec.ts";
import type { RedactionRules } from "./evidence/redact.ts";
import type { JsonObject, JsonValue } from "./json/values.ts";
import type { IdentityMode } from "./identity/identityMap.ts";
import type { IdTemplate } from "./identity/rewrite.ts";
import type { ComparisonRule } from "./rules/rule.ts";
import type { RouteCheck } from "./rules/ruleBook.ts";
import type { RootType } from "./yjs/plainContent.ts";

export type { RedactionRules };
export type { AcceptCondition, ComparisonRule, IdentityMode, IdTemplate, NormaliserTable, RouteCheck };
export type { Normaliser, NormaliserContext, NormaliserFactory } from "./compare/normalisers.ts";
export type { JsonObject, JsonValue, RootType, ShadowCodec, SocketFrame };
export type { ArmSeen, ClientSeen } from "./conversation/codec.ts";

/** What may happen to a route's calls or a surface's sockets (shadow §3): default is `never`. */
export const MIRROR_MODES = ["never", "read", "sandbox"] as const;
export type MirrorMode = (typeof MIRROR_MODES)[number];

/** A surface whose sockets share Yjs documents (shadow §11). */
export interface DocumentCodec {
  readonly surface: string;
  /** Routes whose answers are such a document, whole, as one update; as rules name routes. */
  readonly bodies?: readonly string[];
  /** Every root that it uses, and what it is. */
  readonly roots: Readonly<Record<string, RootType>>;
  /** Leaves out what has expired, by the wall clock: arms collect at their own times. Pure. */
  visible?(content: JsonObject, nowMs: number): JsonObject;
  /** Of either side; null: the frame is no update. */
  updateOf(frame: SocketFrame): Uint8Array | null;
}

export interface MirrorEntry {
  /** Ids of routes, `METHOD /template` whatever its parameters are called, or names of surfaces. */
  readonly on: readonly string[];
  readonly mode: MirrorMode;
}

/** Where the models of both arms answer by themselves (shadow K6), and nobody's words are to be the same. */
export interface LiveModels {
  /** Beside the others, while they do. */
  readonly rules: readonly ComparisonRule[];
  /** Sections of a group's state in which their words are kept: no state check compares them. */
  readonly sections: readonly string[];
}

/** Pure data and functions; of everything that it does not name the core's own default holds. */
export interface ShadowApplication {
  readonly rules: readonly ComparisonRule[];
  /** Null: nothing of its answers comes from a model. */
  readonly liveModels: LiveModels | null;
  /** What answers must look like by themselves, whatever the other arm says. */
  readonly checks: readonly RouteCheck[];
  readonly normalisers: NormaliserTable;
  /** By the names that rules give in `accept`. */
  readonly conditions: Readonly<Record<string, AcceptCondition>>;
  /** Of a status, for rules that compare `class`. */
  statusClass(status: number): string;
  /** Surfaces whose frames are updates of Yjs documents, by name. */
  readonly documents: ReadonlyMap<string, DocumentCodec>;
  /** By surface; a socket without one, here or above, is not compared (`no_codec`). */
  readonly codecs: ReadonlyMap<string, ShadowCodec>;
  readonly mirroring: readonly MirrorEntry[];
  /** What may never be shown of a body, and what always may (shadow P3). */
  readonly redaction: RedactionRules;
  /** Where each arm tells its build; null: all builds are one. */
  readonly build: { readonly path: string; readonly metric: string; readonly label: string } | null;
  readonly identity: { readonly mode: IdentityMode; readonly templates: readonly IdTemplate[] };
}

// What a report is made of (shadow §16): evidence as it is stored, and the closed words in it.
export type {
  CampaignRow,
  FamilyRow,
  FixedIn,
  GapRow,
  GroupCounts,
  RouteTotals,
  SampleRow,
  Window,
} from "./evidence/model.ts";
export { FIXED_COMPARISONS, lookedAtBy, settleCarried } from "./evidence/carried.ts";
export {
  readSample,
  type SampleAgain,
  type SampleBody,
  type SampleConversation,
  type SampleDifference,
  type SampleDocument,
  type SampleFrame,
} from "./evidence/sampleBody.ts";
export { weighRechecks } from "./noise/recheck.ts";
export { type BucketCounts, LogHistogram } from "./evidence/logHistogram.ts";
export type { Confirmation, FamilyState } from "./evidence/families.ts";
export { type DifferenceKind, type NotComparedReason, SEVERITIES, type Severity, VERDICTS } from "./words.ts";
export type { VerdictName } from "./words.ts";
