// What passes between the serving thread and the shadow's two (shadow I5): plain data, bodies transferred. Each side gathers what
// it has to say during one turn of its loop and posts it as one message.
import type { MessagePort } from "node:worker_threads";
import type { Arm, RouteId, Subject, UnitId } from "../../kernel/index.ts";
import type { RouteRatio } from "./routeRatios.ts";
import type { Builds } from "../campaign.ts";
import type { TapLoss } from "../mirror/bodyTap.ts";
import type { TargetGuard } from "../mirror/guardProbe.ts";
import type { ObservedPair } from "../judgement.ts";
import type { GroupCounts } from "../evidence/model.ts";
import type { RemovedHere } from "../evidence/saver.ts";
import type { MirrorMode } from "../ports.ts";
import type { ErrorClass, Observation } from "../observation.ts";
import type { GroupWish } from "../serving/groups.ts";
import type { ListWish } from "../serving/seedAhead.ts";
import type { DifferenceKind, NotComparedReason, Severity, VerdictName } from "../words.ts";
import type { ShadowSettings } from "./shadowSettings.ts";

/** Of one exchange, from the serving thread to both others. */
export interface JobFacts {
  readonly id: number;
  readonly route: RouteId;
  /** Raw: leaves the process only as an HMAC. */
  readonly group: string;
  /** The arm that served. */
  readonly served: Arm;
  readonly isSafe: boolean;
  /** Epoch ms, when the served leg left. */
  readonly leftAtMs: number;
  /** The same for its copy, and for the model calls of both arms (contract G11). */
  readonly requestId: string;
}

export interface CopyRequest {
  readonly method: string;
  readonly target: string;
  /** Flat name/value list as the served leg had it. */
  readonly headers: readonly string[];
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** The proxy has verified whose call it is. */
  readonly hasSubject: boolean;
  readonly servedFirstByteMs: number | null;
}

export type MirrorItem =
  /** A served leg leaves for its arm: its copy has a place now (shadow S4). */
  | { readonly kind: "arrive"; readonly id: number; readonly group: string; readonly isBarrier: boolean }
  | { readonly kind: "offer"; readonly facts: JobFacts; readonly copy: CopyRequest; readonly isRepeated: boolean }
  /** There will be no copy. */
  | { readonly kind: "drop"; readonly id: number }
  | { readonly kind: "open"; readonly facts: SocketFacts; readonly copy: CopyRequest }
  | (ClientFrame & Heard)
  | (ServedClose & Heard)
  /** It is compared no more: its copy ends at once. */
  | { readonly kind: "give-up"; readonly id: number };

/** Of one socket. */
export interface SocketFacts extends JobFacts {
  /** Name of its codec. */
  readonly surface: string;
}

/** What a client does may follow from what it has heard. */
export interface Heard {
  /** Frames of the served arm that had gone to the client before. */
  readonly heard: number;
}

/** Epoch ms; of one socket they never go back. */
export interface ClientFrame {
  readonly kind: "client";
  readonly id: number;
  readonly isBinary: boolean;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly atMs: number;
}

export interface ServedClose {
  readonly kind: "closed";
  readonly id: number;
  readonly by: "client" | "arm" | "proxy";
  readonly code: number;
  readonly atMs: number;
}

/** What an arm did with a handshake. */
export type Handshake =
  | { readonly status: number; readonly contentType: string; readonly body: Uint8Array }
  | { readonly error: ErrorClass };

export type Result =
  | {
      readonly reply: {
        readonly status: number;
        readonly headers: readonly string[];
        readonly body: Uint8Array<ArrayBuffer>;
      };
    }
  | { readonly error: ErrorClass };

/** Of served sockets. */
export type SocketItem =
  | { readonly kind: "opening"; readonly facts: SocketFacts; readonly document: string }
  | { readonly kind: "handshake"; readonly id: number; readonly result: Handshake; readonly atMs: number }
  | ClientFrame
  | {
      readonly kind: "arm";
      readonly id: number;
      readonly isBinary: boolean;
      readonly data: Uint8Array<ArrayBuffer>;
      readonly atMs: number;
    }
  | ServedClose
  | { readonly kind: "give-up"; readonly id: number; readonly reason: NotComparedReason };

export type CompareItem =
  | SocketItem
  | {
      readonly kind: "served";
      readonly facts: JobFacts;
      readonly result: Result;
      /** The answer was longer than its tap. */
      readonly loss: TapLoss | null;
      readonly firstByteMs: number | null;
      readonly totalMs: number;
    }
  /** A write of a group that is compared: reads behind it may be overtaken (shadow §8). */
  | { readonly kind: "wrote"; readonly unit: UnitId; readonly group: string; readonly atMs: number }
  /** Nothing was copied, and that is counted. `isDiverging`: it was a write, and the target lacks it (shadow J2). */
  | {
      readonly kind: "skip";
      readonly id: number;
      readonly route: RouteId;
      readonly group: string;
      readonly reason: NotComparedReason;
      readonly isDiverging: boolean;
      readonly atMs: number;
    }
  /** The same, of so many calls that changed nothing. */
  | {
      readonly kind: "skipped";
      readonly route: RouteId;
      readonly reason: NotComparedReason;
      readonly atMs: number;
      readonly count: number;
    };

export type ToMirror =
  | { readonly type: "settings"; readonly settings: ShadowSettings }
  | { readonly type: "items"; readonly items: readonly MirrorItem[] }
  /** The line to the other thread, a new one whenever one of them is new. */
  | { readonly type: "peer"; readonly port: MessagePort }
  | { readonly type: "stop" };

export type ToCompare =
  | { readonly type: "settings"; readonly settings: ShadowSettings }
  | { readonly type: "items"; readonly items: readonly CompareItem[] }
  | { readonly type: "peer"; readonly port: MessagePort }
  | { readonly type: "seed" | "check"; readonly wish: GroupWish }
  | { readonly type: "list"; readonly wish: ListWish }
  /** The mirror thread has died: what it had of jobs up to this one will not come. */
  | { readonly type: "mirror-lost"; readonly lastId: number }
  | { readonly type: "builds"; readonly builds: Partial<Builds> }
  | ({ readonly type: "missed" } & Missed)
  /** On request of whom they are of (shadow P5). */
  | { readonly type: "remove-samples"; readonly id: number; readonly group: string }
  /** Of units that are seeded: who waits is known to the serving thread alone. */
  | { readonly type: "groups"; readonly units: Readonly<Record<UnitId, GroupCounts>> }
  | { readonly type: "stop" };

/** What a compare thread that is new has to know of the time before it. */
export interface Missed {
  readonly losses: readonly {
    readonly route: RouteId;
    readonly reason: NotComparedReason;
    /** Epoch ms of the first of them, all within a minute or, of very many, not. */
    readonly atMs: number;
    readonly count: number;
  }[];
  /** Groups that are not seeded again. */
  readonly diverged: readonly (readonly [UnitId, string])[];
}

/** Of sockets at the shadow target. */
export type SocketCopyItem =
  | { readonly kind: "copy-handshake"; readonly id: number; readonly result: Handshake; readonly atMs: number }
  /** A client's frame left for the shadow, or its arm has sent one. */
  | {
      readonly kind: "copy-client" | "copy-arm";
      readonly id: number;
      readonly isBinary: boolean;
      readonly data: Uint8Array;
      readonly atMs: number;
    }
  | {
      readonly kind: "copy-closed";
      readonly id: number;
      readonly by: "client" | "arm" | "proxy";
      readonly code: number;
      readonly isHalfOpen: boolean;
      readonly atMs: number;
    }
  /** It cannot be followed any more, or never could. */
  | { readonly kind: "copy-lost"; readonly id: number; readonly reason: NotComparedReason };

/** Mirror thread → compare thread. */
export type CopyItem =
  | SocketCopyItem
  | {
      readonly kind: "copied";
      readonly id: number;
      readonly observation: Observation;
      /** Control's second answer to the same call. */
      readonly repeat: Observation | null;
      /** How much later than the served leg it left. */
      readonly delayMs: number;
      /** Ids in the copy that were given their other name, as the served arm calls them. */
      readonly renamed: readonly string[];
    }
  /** Both arms' answers to the same call again; none: it was not made. */
  | { readonly kind: "rechecked"; readonly id: number; readonly again: readonly ObservedPair[] }
  /** It never left. */
  | { readonly kind: "uncopied"; readonly id: number; readonly reason: NotComparedReason };

/** Compare thread → mirror thread. */
export interface JudgedItem {
  readonly id: number;
  /** Ids of the two arms that name one thing: control's, then the candidate's. */
  readonly pairs: readonly IdPair[];
  /** How often both arms are to be asked again (shadow §8, layer 3); the answer is a `rechecked`. */
  readonly rechecks: 0 | 1 | 2;
  /** Its end was seen: a copy that had to be cut beside it is the target's doing. */
  readonly isServedWhole: boolean;
}

export type IdPair = readonly [control: string, candidate: string];

export interface EndedItem {
  /** Of a job; null: a turn, a document or a state check, which the compare thread alone has seen. */
  readonly id: number | null;
  readonly route: RouteId;
  readonly unit: UnitId;
  readonly verdict: VerdictName;
  readonly reason: NotComparedReason | null;
  readonly differences: readonly (readonly [DifferenceKind, Severity])[];
  readonly latencyMs: Readonly<Record<Arm, number | null>>;
}

export interface ShadowGauges {
  readonly families: readonly { readonly severity: Severity; readonly state: string; readonly count: number }[];
  readonly divergedGroups: Readonly<Record<UnitId, number>>;
  readonly identityPairs: number;
  readonly evidenceBytes: number;
  /** Since the thread began. */
  readonly evidenceDropped: Readonly<Record<string, number>>;
  /** Misses of the cassette, since the thread began. */
  readonly missesDropped: number;
  readonly ratios: readonly RouteRatio[];
  readonly documents: Readonly<Record<"converged" | "lagging" | "diverged", number>>;
}

export type FromCompare =
  | { readonly type: "ended"; readonly items: readonly EndedItem[] }
  /** Frames were taken over: their bytes may be given back. */
  | { readonly type: "taken"; readonly frames: readonly (readonly [id: number, bytes: number])[] }
  | { readonly type: "socket-ended"; readonly id: number; readonly surface: string; readonly verdict: VerdictName }
  | { readonly type: "seeded" | "seed-failed" | "check-put-off"; readonly wish: GroupWish }
  /** null: they could not be read; none: there are no more. */
  | { readonly type: "listed"; readonly wish: ListWish; readonly subjects: readonly Subject[] | null }
  | { readonly type: "checked"; readonly unit: UnitId; readonly verdict: "identical" | "different" | "diverged" }
  | { readonly type: "diverged"; readonly unit: UnitId; readonly group: string }
  | { readonly type: "samples-removed"; readonly id: number; readonly removed: RemovedHere }
  | { readonly type: "gauges"; readonly gauges: ShadowGauges }
  | ThreadEvent
  | { readonly type: "stopped" };

export type FromMirror =
  | { readonly type: "targets"; readonly targets: Readonly<Record<Arm, TargetState>> }
  | {
      readonly type: "copies";
      readonly sent: readonly (readonly [UnitId, MirrorMode, number])[];
      readonly repeats: Readonly<Record<"answered" | "failed", number>>;
      readonly identityWaits: number;
      readonly inFlight: number;
    }
  | { readonly type: "builds"; readonly builds: Partial<Builds> }
  | ThreadEvent
  | { readonly type: "stopped" };

export interface TargetState {
  readonly guard: TargetGuard;
  readonly circuit: "closed" | "open" | "trying";
  /** Epoch ms; while the circuit is not closed nothing leaves before, and from then on one as a try. */
  readonly restsUntilMs: number;
}

export interface ThreadEvent {
  readonly type: "event";
  readonly event: string;
  readonly level: "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
}
