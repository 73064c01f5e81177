// Whether two arms have the same document (shadow §11, L1–L4).
import * as Y from "yjs";
import { type CompareContext, compareBodies } from "../compare/body.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { BodyRules } from "../compare/bodyRules.ts";
import type { JsonObject } from "../json/values.ts";
import { type Verdict, verdictOf } from "../verdict.ts";
import { type DocumentView, firstRoot } from "./documentView.ts";
import type { Built, DocumentTrack } from "./documentTrack.ts";
import { plainContent, type RootType } from "./plainContent.ts";

/** L3, L4. */
export const SETTLE_MS = 10_000;

/** What the application says of its documents. */
export interface DocumentRules {
  /** Every root it uses, and what it is. */
  readonly roots: Readonly<Record<string, RootType>>;
  /** Leaves out what has expired, by the wall clock; pure. Arms collect at their own times. */
  visible?(content: JsonObject, nowMs: number): JsonObject;
  /** Paths begin with the name of a root: `$.objects.*`. */
  readonly body: BodyRules;
}

export interface CheckMoment {
  /** On the clock of the frames. */
  readonly atMs: number;
  readonly context: CompareContext;
  /** Yjs clients of which an update was sent by a client: the others may be those of an arm. */
  readonly clientMade: ReadonlySet<number>;
  /** For a verdict that they differ. */
  onView?(view: DocumentView): void;
}

/** `lagging` is none of shadow §7: the comparison is still open. */
export type DocumentVerdict =
  | Verdict
  | {
      readonly name: "lagging";
      readonly differences: readonly FoundDifference[];
      readonly normalisers: readonly string[];
    };

/** Of one document as one socket has it on both arms. @throws what the application's rules throw */
export function checkDocuments(
  control: DocumentTrack,
  candidate: DocumentTrack,
  rules: DocumentRules,
  { atMs, context, clientMade, onView }: CheckMoment,
): DocumentVerdict {
  const found = compareBuilt(control, candidate, rules, context);
  if (found === null) return { name: "not_compared", reason: "body_too_large" };
  const { isExact, normalisers } = found;
  const differences = [...found.differences, ...protocolDifferences(control, candidate)];
  if (isExact && differences.length === 0) return { name: "identical" };
  const verdict = verdictOf({ differences, normalisers, notes: [] });
  if (verdict.name !== "different") return verdict;
  const lastAtMs = Math.max(control.lastAtMs ?? 0, candidate.lastAtMs ?? 0);
  if (atMs - lastAtMs >= SETTLE_MS && restsOnOneArm(control, candidate, clientMade)) {
    return { name: "not_compared", reason: "identity" };
  }
  if (atMs - lastAtMs < SETTLE_MS) return { name: "lagging", differences, normalisers };
  const { left, right } = found;
  const vectors = { control: control.stateVector(), candidate: candidate.stateVector() };
  onView?.({ root: firstRoot(left, right, found.differences), ...vectors });
  return verdict;
}

interface Found {
  readonly isExact: boolean;
  /** What is shown of both. */
  readonly left: JsonObject;
  readonly right: JsonObject;
  readonly differences: readonly FoundDifference[];
  readonly normalisers: readonly string[];
}

/** Null: one of them is over a bound. */
function compareBuilt(
  control: DocumentTrack,
  candidate: DocumentTrack,
  rules: DocumentRules,
  context: CompareContext,
): Found | null {
  const one = control.build();
  const other = candidate.build();
  try {
    return one === null || other === null ? null : compareContents(one, other, rules, context);
  } finally {
    // Y3: dropped after the check, and with it the content of sub-documents.
    one?.doc.destroy();
    other?.doc.destroy();
  }
}

function compareContents(one: Built, other: Built, rules: DocumentRules, context: CompareContext): Found | null {
  const isSameSnapshot = Y.equalSnapshots(Y.snapshot(one.doc), Y.snapshot(other.doc));
  const isExact = isSameSnapshot && !one.isPending && !other.isPending;
  // Equal snapshots do not vouch for the content: an update changed on its way has the clocks of the right one.
  const contents = [plainContent(one.doc, rules.roots), plainContent(other.doc, rules.roots)] as const;
  if (contents[0] === null || contents[1] === null) return null;
  const shown = (content: JsonObject): JsonObject => rules.visible?.(content, context.nowMs) ?? content;
  const [left, right] = [shown(contents[0]), shown(contents[1])];
  const { differences, normalisers } = compareBodies(left, right, rules.body, context);
  return { isExact, left, right, differences, normalisers: [...(isExact ? [] : ["server_ids"]), ...normalisers] };
}

/**
 * A client edits what the arm that serves it has written itself: its update builds on a Yjs client that only this arm has, and
 * waits on the other one for ever. Ids inside updates are not mapped (M2), so that nothing can be said (M3).
 */
function restsOnOneArm(control: DocumentTrack, candidate: DocumentTrack, clientMade: ReadonlySet<number>): boolean {
  const isOnlyOf = (arm: DocumentTrack, other: DocumentTrack): boolean =>
    other.strangers().some((client) => !clientMade.has(client) && arm.stateVector().has(client));
  return isOnlyOf(control, candidate) || isOnlyOf(candidate, control);
}

/** What is wrong beside the content. */
function protocolDifferences(control: DocumentTrack, candidate: DocumentTrack): readonly FoundDifference[] {
  const found: FoundDifference[] = [];
  const more = candidate.malformed - control.malformed;
  if (more !== 0) found.push(updateDifference("malformed", more > 0 ? "extra" : "missing", Math.abs(more)));
  // The content may be the same: what the lost one would have shown waits on both arms for another.
  const [one, other] = [control.gaps(), candidate.gaps()];
  if (one !== other) found.push(updateDifference("lost", one === "" ? "missing" : other === "" ? "extra" : "value", 1));
  return found;
}

/** Of an update as a whole (Y4). `extra`: the candidate sent it alone, `missing`: the control did. */
function updateDifference(what: string, kind: "missing" | "extra" | "value", count: number): FoundDifference {
  const path = `update:${what}`;
  const [control, candidate] = [kind === "extra" ? null : what, kind === "missing" ? null : what];
  return { template: path, path, kind, severity: "breaking", control, candidate, count, acceptedBy: null };
}
