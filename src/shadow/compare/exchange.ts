// Compares what both arms did with one call.
import type { Observation, Reply } from "../observation.ts";
import { type ComparisonRule, isForStatus } from "../rules/rule.ts";
import { type Verdict, type VerdictNote, verdictOf } from "../verdict.ts";
import type { Severity } from "../words.ts";
import type { CompareContext } from "./body.ts";
import { BodyRules } from "./bodyRules.ts";
import { compareDeclared, type ReplyCheck } from "./declared.ts";
import type { FoundDifference } from "./foundDifferences.ts";
import { compareHeaders, createHeaderRules, type HeaderRules } from "./headers.ts";
import type { JsonValue } from "../json/values.ts";
import type { NormaliserTable } from "./normalisers.ts";
import { compareReplyBodies } from "./replyBody.ts";

/** What the application knows of values; one for all routes. */
export interface ComparisonWords {
  readonly normalisers: NormaliserTable;
  /** Of a status, for rules that compare `class`. */
  statusClass(status: number): string;
  /** Of routes whose bodies are no text, by the names that rules use; null: it is none of those. */
  readonly readers?: readonly BodyReader[];
}

export interface BodyReader {
  readonly on: readonly string[];
  read(bytes: Uint8Array): JsonValue | null;
}

/** The rules of one route, ready to be used. */
export class RouteRules {
  readonly headers: HeaderRules;
  readonly status: readonly ComparisonRule[];
  readonly excludedBy: string | null;
  readonly statusClass: (status: number) => string;
  readonly check: ReplyCheck | null;
  readonly onCheckFailed: () => void;
  readonly reader: BodyReader | null;
  readonly #rules: readonly ComparisonRule[];
  readonly #words: ComparisonWords;
  /** By the ids of the rules that hold with a status. */
  readonly #bodies = new Map<string, BodyRules>();
  /** The same, found before: every exchange asks. */
  readonly #byStatus = new Map<number, BodyRules>();

  /** @param rules those that hold for this route @param onCheckFailed `check` has thrown @throws RangeError for an unknown normaliser */
  constructor(
    rules: readonly ComparisonRule[],
    words: ComparisonWords,
    check: ReplyCheck | null = null,
    onCheckFailed: () => void = () => {},
    reader: BodyReader | null = null,
  ) {
    this.reader = reader;
    this.check = check;
    this.onCheckFailed = onCheckFailed;
    this.#rules = rules;
    this.#words = words;
    this.headers = createHeaderRules(rules);
    this.status = rules.filter(({ status }) => status === true);
    this.statusClass = words.statusClass;
    this.excludedBy = rules.find(({ exclude }) => exclude === true)?.id ?? null;
    for (const { statuses = ["2xx"] } of rules) this.bodyFor(Number(statuses[0]?.replace("xx", "00")));
  }

  bodyFor(status: number): BodyRules {
    let body = this.#byStatus.get(status);
    if (body === undefined) {
      body = this.#gathered(status);
      this.#byStatus.set(status, body);
    }
    return body;
  }

  /** Those of one set of rules, whichever statuses have it. */
  #gathered(status: number): BodyRules {
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
  const body = compareReplyBodies(
    control,
    candidate,
    rules.bodyFor(control.status),
    context,
    isTypeTold,
    isGood(control) ? rules.reader : null,
  );
  for (const [id, hits] of body.ruleHits) ruleHits.set(id, (ruleHits.get(id) ?? 0) + hits);
  // What both arms say alike may be wrong on both; where they differ that is told already.
  const known = new Set(body.differences.map(({ template }) => template));
  const asked = undeclared(control, candidate, rules);
  const declared = asked?.filter(({ template }) => !known.has(template)) ?? [];
  const differences = [...headers.differences, ...body.differences, ...declared];
  const normalisers = [...new Set([...headers.normalisers, ...body.normalisers])];
  const notes: readonly VerdictNote[] = asked === null ? [...body.notes, "unchecked"] : body.notes;
  const isIdentical = differences.length === 0 && normalisers.length === 0 && body.isSameBytes;
  if (isIdentical) return { verdict: { name: "identical" }, ruleHits };
  return { verdict: verdictOf({ differences, normalisers, notes }), ruleHits };
}

/** Null: the application's check has failed; the arms have been compared nevertheless. */
const isGood = ({ status }: Reply): boolean => status >= 200 && status < 300;

function undeclared(
  control: Reply,
  candidate: Reply,
  { check, onCheckFailed }: RouteRules,
): readonly FoundDifference[] | null {
  if (check === null) return [];
  try {
    return compareDeclared(control, candidate, check);
  } catch {
    onCheckFailed();
    return null;
  }
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
