import type { FlagState } from "../flags/index.ts";
import type { Config, RouteConfig, UnitConfig } from "../config/index.ts";
import type { Metrics } from "../metrics/index.ts";
import type { Arm, Clock, Decision, RouteId, SeatOrder, SeatReport, Subject, UnitId } from "../kernel/index.ts";

/** One message on a socket. */
export interface Frame {
  readonly isBinary: boolean;
  readonly data: Uint8Array;
}

/** What a client's frame means (handoff.md §2). */
export type ClientClass = "turn" | "ordered" | "state" | "aside" | "transient" | "poison";
/** What an arm's frame means. */
export type ArmClass = "final" | "part" | "push" | "own" | "greeting";

/**
 * What the proxy must know of a socket's language, supplied by the application: pure, one per surface. The part of
 * handoff.md §2's `SurfaceCodec` that is needed while sockets do not move; the moves extend it.
 */
export interface TurnCodec<S = unknown> {
  readonly surface: string;
  start(): S;
  fromClient(state: S, frame: Frame): [S, ClientClass];
  fromArm(state: S, frame: Frame): [S, ArmClass];
  /** Gives a turn that has no id one, so that a repeat can be recognised; anything else unchanged. */
  stamp(frame: Frame, messageId: string): Frame;
  openTurns(state: S): number;
  /** The application meant this close: the client gets the same code and reason. */
  isIntended(state: S, close: { readonly code: number; readonly reason: string }): boolean;
}

/** What the application plugs into the proxy. */
export interface ProxyApplication {
  readonly codecs: ReadonlyMap<string, TurnCodec>;
  /** Body and content type of the 401 that refuses a socket without a valid token; null: a problem body. */
  readonly unauthorizedBody: { readonly contentType: string; readonly text: string } | null;
}

/** What leaves for an arm, as a copy of it may be made. */
export interface LeavingLeg {
  readonly unit: UnitConfig;
  readonly route: RouteConfig;
  readonly arm: Arm;
  /** null: nobody that we know of. */
  readonly subject: Subject | null;
  /** `GET` for a socket. */
  readonly method: string;
  /** Flat name/value list, as the arm gets it. */
  readonly headers: readonly string[];
  readonly requestId: string;
  /** Path and query that this arm knows it under. */
  targetFor(arm: Arm): string;
}

/** Why a served leg brought no answer, or no whole one. */
export type LegError = "refused" | "reset" | "timeout" | "protocol" | "aborted";

/**
 * Copies what is served, for the other arm (shadow.md §1): every method is synchronous, never throws and never makes
 * the served leg wait. What it hands out is told in the order in which the served leg lives.
 */
export interface Mirror {
  /** Otherwise nothing is asked: the served path is the same code with the branch not taken (shadow I14). */
  readonly isOn: boolean;
  /** null: nothing of it is copied, and nothing more is told (shadow I14). */
  call(leg: LeavingLeg, hasBody: boolean): CallTap | null;
  socket(leg: LeavingLeg): SocketTap | null;
  /** Whether copies of this installation bear this `Switchyard-Hop` (shadow I11). */
  isOwnHop(hop: string): boolean;
  /** Each second: how busy the serving side is; under pressure the shadow yields (shadow I12). */
  look(inFlight: number, inFlightMax: number): void;
  /** On request of whom they are of (shadow P5). Never rejects. */
  removeSamples(subject: Subject): Promise<SamplesRemoved>;
  /** @throws when it cannot be used; what was in force stays */
  configure(config: Config): void;
  /** Judges what is open within 5 s, counts the rest, and stores all (shadow A2). */
  stop(): Promise<void>;
}

/** What one serving process has removed of a subject's samples. */
export interface SamplesRemoved {
  readonly samples: number;
  /** Ids of the campaigns that had some. */
  readonly campaigns: readonly string[];
  /** Name of the file that it writes to; null: it writes to none at the moment. */
  readonly file: string | null;
  /** Why some may be left, a code; null: none are. */
  readonly failure: string | null;
}

/** Of one serving process. */
export type MirrorFactory = (parts: {
  readonly config: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: ProxyLog;
  readonly subjectKey: Uint8Array;
  /** Where the subject's next call goes, without making it; null: it is about to move, or this process cannot know. */
  armOf(unit: UnitId, subject: Subject): Arm | null;
}) => Mirror;

export interface CallTap {
  /** Each was handed to the served leg before (shadow I3). */
  requestChunk(chunk: Uint8Array): void;
  requestEnd(): void;
  /** Flat, the bytes as they came. */
  head(status: number, raw: readonly Uint8Array[]): void;
  chunk(chunk: Uint8Array): void;
  /** The served leg is over; the first word counts. null: its answer is whole. */
  end(error: LegError | null): void;
}

export interface SocketTap {
  opened(): void;
  /** The arm answered the handshake with something else. */
  refused(status: number, contentType: string, body: Uint8Array): void;
  failed(error: LegError): void;
  fromClient(frame: Frame): void;
  fromArm(frame: Frame): void;
  /** The first word counts. `proxy`: the close is ours, whatever the two sides did. */
  closed(by: "client" | "arm" | "proxy", code: number): void;
}

/** The decision state in force; replaced as a whole. */
export interface FlagView {
  readonly state: FlagState;
  onChange(listener: (state: FlagState) => void): () => void;
}

/** A serving process's end of the line to the one that coordinates; messages keep their order. */
export interface SeatLink {
  report(report: SeatReport): void;
  /** One listener; never called from within `report`. */
  onOrder(listener: (order: SeatOrder) => void): void;
}

/** The coordinating end: each serving process joins, and leaves when it ends. */
export interface SeatHub {
  join(send: (order: SeatOrder) => void): { report(report: SeatReport): void; leave(): void };
}

/** One line per served exchange or event (ux.md §7); the implementation adds time and level. */
export interface ProxyLog {
  exchange(line: ExchangeLine): void;
  event(
    type: string,
    fields: Readonly<Record<string, string | number | boolean | null>>,
    level?: "info" | "warn" | "error",
  ): void;
}

export interface ExchangeLine {
  readonly requestId: string;
  readonly traceId: string | null;
  readonly method: string;
  readonly route: RouteId;
  readonly unit: UnitId | null;
  readonly subject: string | null;
  readonly arm: Arm | null;
  readonly reason: Decision["reason"] | null;
  readonly status: number;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** Longer than the route's `slow`. */
  readonly isSlow: boolean;
  readonly code: string | null;
}

export const OUTCOMES = ["ok", "client_error", "server_error", "timeout", "aborted"] as const;
export type Outcome = (typeof OUTCOMES)[number];
