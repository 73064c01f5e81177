// Compares what both arms did with one call.
import type { JsonNote } from "../json/reader.ts";
import type { Observation, Reply } from "../observation.ts";
import { type ComparisonRule, isForStatus } from "../rules/rule.ts";
import { type Verdict, type VerdictNote, verdictOf } from "../verdict.ts";
import type { Severity } from "../words.ts";
import { type CompareContext, compareBodies } from "./body.ts";
import { BodyRules } from "./bodyRules.ts";
import { compareDeclared, type ReplyCheck } from "./declared.ts";
import { type Decoded, decode, headerOf, mediaTypeOf } from "./decode.ts";
import type { FoundDifference } from "./foundDifferences.ts";
import { compareHeaders, createHeaderRules, type HeaderRules } from "./headers.ts";
import type { NormaliserTable } from "./normalisers.ts";
import { valueClass } from "./valueClass.ts";

/** What the application knows of values; one for all routes. */
export interface ComparisonWords {
  readonly normalisers: NormaliserTable;
  /** Of a status, for rules that compare `class`. */
  statusClass(status: number): string;
}

/** The rules of one route, ready to be used. */
export class RouteRules {
  readonly headers: HeaderRules;
  readonly status: readonly ComparisonRule[];
  readonly excludedBy: string | null;
  readonly statusClass: (status: number) => string;
  readonly check: ReplyCheck | null;
  readonly #rules: readonly ComparisonRule[];
  readonly #words: ComparisonWords;
  /** By the ids of the rules that hold with a status. */
  readonly #bodies = new Map<string, BodyRules>();

  /** @param rules those that hold for this route @throws RangeError for an unknown normaliser */
  constructor(rules: readonly ComparisonRule[], words: ComparisonWords, check: ReplyCheck | null = null) {
    this.check = check;
    this.#rules = rules;
    this.#words = words;
    this.headers = createHeaderRules(rules);
    this.status = rules.filter(({ status }) => status === true);
    this.statusClass = words.statusClass;
    this.excludedBy = rules.find(({ exclude }) => exclude === true)?.id ?? null;
    for (const { statuses = ["2xx"] } of rules) this.bodyFor(Number(statuses[0]?.replace("xx", "00")));
  }

  bodyFor(status: number): BodyRules {
    const holding = this.#rules.filter((rule) => isForStatus(rule, status));
    const name = holding.map(({ id }) => id).join(" ");
    let body = this.#bodies.get(name);
    if (body === undefined) {
      body = new BodyRules(holding, this.#words.normalisers);
      this.#bodies.set(name, body);
    }
    return body;
  }
}

export interface ExchangeComparison {
  readonly verdict: Verdict;
  /** By id. */
  readonly ruleHits: ReadonlyMap<string, number>;
}

const NO_HITS: ReadonlyMap<string, number> = new Map();
const bare = (verdict: Verdict): ExchangeComparison => ({ verdict, ruleHits: NO_HITS });

/** Of one call: the observations of both arms, one of them served. Never throws. */
export function compareExchange(
  control: Observation,
  candidate: Observation,
  rules: RouteRules,
  context: CompareContext,
): ExchangeComparison {
  if (rules.excludedBy !== null) {
    return { verdict: { name: "not_compared", reason: "rule" }, ruleHits: new Map([[rules.excludedBy, 1]]) };
  }
  if (control.isCut || candidate.isCut) return bare({ name: "not_compared", reason: "body_too_large" });
  const [one, other] = [control.result, candidate.result];
  if ("reply" in one && "reply" in other) return compareReplies(one.reply, other.reply, rules, context);
  if ("error" in one && "error" in other && one.error === other.error) return bare({ name: "both_failed" });
  const shadow = control.role === "shadow" ? one : other;
  if ("error" in shadow) return bare({ name: "shadow_failed" });
  return compareStatuses(one, other, rules);
}

function compareReplies(
  control: Reply,
  candidate: Reply,
  rules: RouteRules,
  context: CompareContext,
): ExchangeComparison {
  // One cause: what stands in the bodies follows from it.
  if (control.status !== candidate.status) return compareStatuses({ reply: control }, { reply: candidate }, rules);
  const headers = compareHeaders(control, candidate, rules.headers);
  const ruleHits = new Map<string, number>();
  for (const id of headers.ruleHits) ruleHits.set(id, (ruleHits.get(id) ?? 0) + 1);
  const isTypeTold = headers.differences.some((one) => one.path === "header:content-type" && one.acceptedBy === null);
  const body = compareReplyBodies(control, candidate, rules, context, isTypeTold);
  for (const [id, hits] of body.ruleHits) ruleHits.set(id, (ruleHits.get(id) ?? 0) + hits);
  // What both arms say alike may be wrong on both; where they differ that is told already.
  const known = new Set(body.differences.map(({ template }) => template));
  const declared = undeclared(control, candidate, rules.check).filter(({ template }) => !known.has(template));
  const differences = [...headers.differences, ...body.differences, ...declared];
  const normalisers = [...headers.normalisers, ...body.normalisers];
  const isIdentical = differences.length === 0 && normalisers.length === 0 && body.isSameBytes;
  if (isIdentical) return { verdict: { name: "identical" }, ruleHits };
  return { verdict: verdictOf({ differences, normalisers, notes: body.notes }), ruleHits };
}

function undeclared(control: Reply, candidate: Reply, check: ReplyCheck | null): readonly FoundDifference[] {
  if (check === null) return [];
  try {
    return compareDeclared(control, candidate, check);
  } catch {
    return []; // the application's own fault; the arms have been compared nevertheless
  }
}

interface ReplyBodies {
  readonly differences: readonly FoundDifference[];
  readonly normalisers: Iterable<string>;
  readonly notes: readonly VerdictNote[];
  readonly ruleHits: ReadonlyMap<string, number>;
  readonly isSameBytes: boolean;
}

function compareReplyBodies(
  control: Reply,
  candidate: Reply,
  rules: RouteRules,
  context: CompareContext,
  isTypeTold: boolean,
): ReplyBodies {
  const plain = { normalisers: [], notes: [], ruleHits: NO_HITS };
  const isSameType =
    mediaTypeOf(headerOf(control, "content-type")) === mediaTypeOf(headerOf(candidate, "content-type"));
  const isSameCoding = headerOf(control, "content-encoding") === headerOf(candidate, "content-encoding");
  if (isSameType && isSameCoding && Buffer.compare(control.body, candidate.body) === 0) {
    return { ...plain, differences: [], isSameBytes: true };
  }
  // The header says it already, unless a rule leaves it out.
  if (!isSameType && isTypeTold) return { ...plain, differences: [], isSameBytes: false };
  const [one, other] = [decode(control), decode(candidate)];
  const notes = notesOf(one, other);
  if (one.as !== "value" || other.as !== "value") return compareBytes(one, other, notes);
  try {
    const { differences, normalisers, ruleHits } = compareBodies(
      one.value,
      other.value,
      rules.bodyFor(control.status),
      context,
    );
    const spelling = one.notes.has("escape") || other.notes.has("escape") ? "esc" : "blanks";
    const names = differences.length === 0 && normalisers.size === 0 ? [spelling] : normalisers;
    return { differences, normalisers: names, notes, ruleHits, isSameBytes: false };
  } catch {
    // A normaliser or condition of the application failed.
    return { ...compareBytes(one, other, ["undecodable"]), ruleHits: NO_HITS };
  }
}

function compareBytes(one: Decoded, other: Decoded, notes: readonly VerdictNote[]): ReplyBodies {
  const isSame = one.as === "bytes" && other.as === "bytes" && Buffer.compare(one.bytes, other.bytes) === 0;
  const found = { normalisers: isSame ? ["coding"] : [], notes, ruleHits: NO_HITS, isSameBytes: false };
  if (isSame) return { ...found, differences: [] };
  const [control, candidate] = [classOf(one), classOf(other)];
  const isBreaking = control !== candidate;
  const difference: FoundDifference = {
    template: "$",
    path: "$",
    kind: isBreaking ? "type" : "value",
    severity: isBreaking ? "breaking" : "value",
    control,
    candidate,
    count: 1,
    acceptedBy: null,
  };
  return { ...found, differences: [difference] };
}

function classOf(decoded: Decoded): string | null {
  if (decoded.as === "value") return valueClass(decoded.value);
  if (decoded.isUndecodable) return "undecodable";
  return decoded.bytes.length === 0 ? null : "bytes";
}

const NOTES: Readonly<Record<JsonNote, VerdictNote | null>> = {
  "invalid-number": "invalid-json",
  "duplicate-key": "duplicate-key",
  escape: null,
};

function notesOf(...both: readonly Decoded[]): readonly VerdictNote[] {
  const notes = new Set<VerdictNote>();
  for (const one of both) {
    if (one.as === "bytes" && one.isUndecodable) notes.add("undecodable");
    for (const note of one.as === "value" ? one.notes : []) {
      const told = NOTES[note];
      if (told !== null) notes.add(told);
    }
  }
  return [...notes];
}

type Result = Observation["result"];

const statusText = (result: Result): string => ("reply" in result ? String(result.reply.status) : result.error);

/** Of two results of which the status, or that there is one, is not the same. A rule's `statuses` are those of control. */
function compareStatuses(control: Result, candidate: Result, rules: RouteRules): ExchangeComparison {
  const holding = rules.status.filter((rule) => !("reply" in control) || isForStatus(rule, control.reply.status));
  const classOf = (result: Result): string | null =>
    "reply" in result ? rules.statusClass(result.reply.status) : null;
  const byClass = holding.find(({ compare }) => compare !== undefined);
  if (byClass !== undefined && classOf(control) !== null && classOf(control) === classOf(candidate)) {
    const verdict = verdictOf({ differences: [], normalisers: ["class"], notes: [] });
    return { verdict, ruleHits: new Map([[byClass.id, 1]]) };
  }
  const accepting = holding.find(({ accept }) => accept === true);
  const raising = holding.find(({ severity }) => severity !== undefined);
  const difference: FoundDifference = {
    template: "status",
    path: "status",
    kind: "status",
    severity: raising?.severity ?? usualSeverity(control, candidate),
    control: statusText(control),
    candidate: statusText(candidate),
    count: 1,
    acceptedBy: accepting?.id ?? null,
  };
  const verdict = verdictOf({ differences: [difference], normalisers: [], notes: [] });
  return { verdict, ruleHits: accepting === undefined ? NO_HITS : new Map([[accepting.id, 1]]) };
}

/** shadow §7: another class of status is breaking, and so is whether the caller was let in; failing is a class of its own. */
function usualSeverity(control: Result, candidate: Result): Severity {
  const [one, other] = [statusText(control), statusText(candidate)];
  const isAuth = [one, other].some((status) => status === "401" || status === "403");
  const isSameClass = "reply" in control && "reply" in candidate && one[0] === other[0];
  return isSameClass && !isAuth ? "value" : "breaking";
}
