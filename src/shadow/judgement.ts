// What an exchange is judged by, and what comes of it (shadow §§4, 7, 8).
import type { Arm, RouteId } from "../kernel/index.ts";
import type { FoundDifference } from "./compare/foundDifferences.ts";
import type { Trail } from "./conversation/talkTrail.ts";
import type { RecheckSeen } from "./noise/recheck.ts";
import type { Observation } from "./observation.ts";
import type { RouteName } from "./rules/ruleBook.ts";
import type { Verdict } from "./verdict.ts";
import type { Severity } from "./words.ts";
import type { DocumentView } from "./yjs/documentView.ts";

/** Of what was judged elsewhere: what a person needs to see it. */
export interface SeenView {
  readonly conversation?: Trail;
  readonly document?: DocumentView;
}

/** What a sample is made of. */
export interface SeenExchange {
  readonly route: RouteId;
  /** Null: it was no call. */
  readonly pair: ObservedPair | null;
  readonly differences: readonly FoundDifference[];
  /** The call once more, on both arms. */
  readonly rechecks: readonly RecheckSeen[];
  /** Templates on which control differed from itself when it alone was asked once more; null: it was not. */
  readonly repeat: ReadonlySet<string> | null;
  readonly view: SeenView;
}

export interface ObservedPair {
  readonly control: Observation;
  readonly candidate: Observation;
}

export interface ExchangeFacts {
  readonly route: RouteName;
  /** Raw: leaves this thread only as an HMAC. */
  readonly group: string;
  readonly groupPrint: string;
  /** Of the candidate. */
  readonly build: string;
  readonly shadow: Arm;
  /** What it changes on an arm: behind a mismatch of such a call the group is diverged (shadow J4). */
  readonly changesState: boolean;
  /** How much later the copy left than the served leg. */
  readonly delayMs: number;
  /** Epoch ms. */
  readonly atMs: number;
  /** Epoch ms: the first moment that it speaks of. Absent: nobody knows. */
  readonly beganAtMs?: number;
  /** It is safe and its route's mode lets it be made again, on both arms (shadow §3). Absent: no. */
  readonly mayRecheck?: boolean;
  /** Ids of the served arm that the copy carries under their other name (`Rewritten.used`). */
  readonly rewritten?: readonly string[];
}

export interface Judgement<Sample> {
  readonly verdict: Verdict;
  readonly ruleHits: ReadonlyMap<string, number>;
  /** To be stored: samples that were kept, by family. */
  readonly samples: readonly { readonly family: string; readonly place: number; readonly value: Sample }[];
  /** The worst of the families that count against a guard (shadow §8). */
  readonly confirmed: Severity | null;
  /** The call is to be made again before this is a verdict: nothing is counted until `settle` was told how that went. */
  readonly recheck: PendingRecheck | null;
}

/** shadow §8, layer 3: a wish. Whoever gets it calls `settle` with it, once, whether the call was made again or not. */
export interface PendingRecheck {
  readonly facts: ExchangeFacts;
  readonly pair: ObservedPair;
  readonly verdict: Verdict & { readonly name: "different" };
  readonly loud: readonly FoundDifference[];
  readonly ruleHits: ReadonlyMap<string, number>;
  /** Templates that are asked about. */
  readonly paths: readonly string[];
  /** One more call would prove nothing: few values are to be had there. */
  readonly isTwice: boolean;
  /** The group wrote a moment before: without a re-check there is no verdict. */
  readonly isRace: boolean;
}

/** What a repeat has shown; the last: it was not comparable, or the group wrote in between. */
export type RepeatOutcome = "equal" | "different" | "not_compared";
