// What the completion cassette needs of the application and of the process around it (shadow §12).
import type { DifferenceKind } from "../words.ts";

/** A call to a model provider as the key function sees it. */
export interface ModelCall {
  readonly method: string;
  /** Below the provider's base URL: `/chat/completions`. */
  readonly path: string;
  /** Lower-case names; credentials are left out. */
  readonly headers: Readonly<Record<string, string>>;
  /** What `JSON.parse` gives; undefined: the body is no JSON. */
  readonly body: unknown;
}

/** What a call asks for. */
export interface ModelKey {
  /** Only requests of one kind are shown beside each other; leaves the process with misses, so never made of a prompt. */
  readonly kind: string;
  /** In which form the reply is wanted, `stream` or `plain`: when another call's recording must do, one of the same form. */
  readonly form: string;
  /** Canonical requests as JSON texts. Several: the call falls into parts, recorded and replayed each by itself. */
  readonly texts: readonly string[];
  /** Null: the call is one whole, with one text. */
  readonly parts: ModelParts | null;
}

/**
 * How replies of a call that falls into parts are taken apart and put together. Kept as long as the recording and not
 * counted in its bytes: it must not hold the request.
 */
export interface ModelParts {
  /** One part for each text, in their order; null: this reply has none. */
  split(reply: unknown): readonly unknown[] | null;
  /** The reply with these parts, one for each text, in their order. */
  join(parts: readonly unknown[]): unknown;
}

/** Pure; from the application. Null: no call that it knows; such a call is known by its path and its body's bytes. */
export type ModelKeyOf = (call: ModelCall) => ModelKey | null;

/**
 * How many tokens an answer says that it has spent, by its end (at most 64 KiB of it). Pure, from the application. Null: it does not
 * say.
 */
export type TokensOf = (end: string) => number | null;

/** `hit`: the recording had ended; `joined`: it was still running; `live`: the models themselves have answered. */
export const REPLAY_OUTCOMES = ["hit", "joined", "miss", "failed", "live"] as const;
export type ReplayOutcome = (typeof REPLAY_OUTCOMES)[number];

export const CASSETTE_DROPS = [
  /** Older than it may get. */
  "age",
  /** The oldest, when all together were too large. */
  "memory",
  /** One recording alone. */
  "too_large",
  /** The request ended before its key was known. */
  "unkeyed",
  /** All request bodies at once were too large: passed on, not recorded. */
  "body_budget",
  "body_too_large",
  "connections",
  "waiting_full",
  "misses_full",
  "occurrences_full",
] as const;
export type CassetteDrop = (typeof CASSETTE_DROPS)[number];

export interface CassetteCounters {
  replayed(outcome: ReplayOutcome): void;
  dropped(reason: CassetteDrop): void;
}

export type CassetteLog = (
  type: string,
  fields: Readonly<Record<string, string | number | boolean | null>>,
  level?: "info" | "warn" | "error",
) => void;

/**
 * `too_large`: recorded, but not kept; `indivisible`: recorded in another batch, and its reply has no parts; `additional`: the
 * request asked it more often than the served arm did, and got a recording all the same (shadow K2); `budget`: the tokens of live
 * models are spent for this hour (W6).
 */
export const MISS_REASONS = ["none", "too_large", "indivisible", "additional", "budget"] as const;
export type MissReason = (typeof MISS_REASONS)[number];

/** One path on which the asked request is not the recorded one. Value classes, never values (shadow P1). */
export interface RequestDifference {
  readonly path: string;
  /** Reads recorded → asked: `missing` is in the recorded one only. */
  readonly kind: DifferenceKind;
  readonly recorded: string | null;
  readonly asked: string | null;
  readonly count: number;
}

export interface NearestRecording {
  readonly key: string;
  readonly requestId: string | null;
  readonly differences: readonly RequestDifference[];
}

/** A replay that had no recording: the turn is `different` at `model.request` (shadow K3). */
export interface CassetteMiss {
  /** From 1 on, without gaps. */
  readonly n: number;
  /** Epoch ms. */
  readonly atMs: number;
  readonly kind: string;
  readonly key: string;
  readonly requestId: string | null;
  /** The how many-th call with this key and request id. */
  readonly occurrence: number;
  readonly reason: MissReason;
  /** Null: nothing of this kind was recorded. */
  readonly nearest: NearestRecording | null;
}
