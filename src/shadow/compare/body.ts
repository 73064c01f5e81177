// Compares two decoded bodies under the rules of their route (shadow §5): which paths differ, how, and what made others equal.
import type { Arm } from "../../kernel/index.ts";
import { areNumbersEqual, numberText } from "../json/decimal.ts";
import {
  areSpelledAlike,
  isArray,
  isNumber,
  isObject,
  type JsonNumber,
  type JsonObject,
  jsonTypeOf,
  type JsonValue,
} from "../json/values.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import type { AcceptCondition, BodyPlace, BodyRules, NodeRules } from "./bodyRules.ts";
import type { FoundDifference } from "./foundDifferences.ts";
import type { IdPairs } from "./idPairs.ts";
import { Meetings } from "./meetings.ts";
import type { NormaliserContext, Pairing } from "./normalisers.ts";
import { type Named, type Pairs, settleTies } from "./pairing.ts";
import { isGuessed, Paired, Partners } from "./partners.ts";
import { Reporter, type Step } from "./reporter.ts";
import { sharedIds } from "./sharedIds.ts";
import { Trail, type TrailMark } from "./trail.ts";

export interface CompareContext extends NormaliserContext {
  /** Epoch ms. */
  readonly nowMs: number;
  readonly shadow: Arm;
  readonly conditions: Readonly<Record<string, AcceptCondition>>;
  readonly ids: IdPairs | null;
  /** Of the surface in this campaign; of calls nobody counts turns. */
  turns?(rule: string): TurnCounts;
}

/** How often: for conditions that hold seldom only. */
export interface TurnCounts {
  /** Turns of the surface that were compared, this one too. */
  readonly compared: number;
  /** Those in which the rule has held before. */
  readonly accepted: number;
}

export interface BodyComparison {
  readonly differences: readonly FoundDifference[];
  /** What values had to go through to be equal. */
  readonly normalisers: ReadonlySet<string>;
  /** By id (shadow N4). */
  readonly ruleHits: ReadonlyMap<string, number>;
}

/** From so many children on, none of them equal, the difference is theirs together. */
const COLLAPSE_MIN = 3;

/** @throws what a normaliser or condition of the application throws */
export function compareBodies(
  control: JsonValue,
  candidate: JsonValue,
  rules: BodyRules,
  context: CompareContext,
): BodyComparison {
  const { ids } = context;
  const shared = once(() => sharedIds(control, candidate, rules, ids?.mode === "learnt"));
  const trail = new Trail(ids === null ? null : new Meetings(ids, shared));
  new Walk(rules, context, trail).compare(control, candidate, rules.root);
  trail.meetings?.commit();
  return { differences: trail.found.all, normalisers: trail.normalisers, ruleHits: trail.ruleHits };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

type Items = readonly JsonValue[];
type Lists = readonly [control: Items, candidate: Items];

class Walk {
  readonly #rules: BodyRules;
  readonly #context: CompareContext;
  readonly #trail: Trail;
  readonly #partners: Partners;
  readonly #says: Reporter;

  constructor(rules: BodyRules, context: CompareContext, trail: Trail) {
    this.#rules = rules;
    this.#context = context;
    this.#trail = trail;
    this.#says = new Reporter(context, trail);
    this.#partners = new Partners(rules, context, trail.meetings);
  }

  /** Gives whether they are the same here. */
  compare(control: JsonValue, candidate: JsonValue, place: BodyPlace): boolean {
    if (this.#isPlainlySame(control, candidate, place)) return true;
    const node = this.#rules.at(place);
    if (node.ignore !== null && this.#isIgnored(node.ignore, control, candidate)) return true;
    if (jsonTypeOf(control) !== jsonTypeOf(candidate))
      return this.#says.report("type", "breaking", node, control, candidate);
    if (node.ignore !== null) return this.#leaveOut(node.ignore.rule);
    if (this.#isSame(node, control, candidate)) return true;
    if (isArray(control) && isArray(candidate)) return this.#arrays(control, candidate, place, node);
    if (isObject(control) && isObject(candidate)) return this.#objects(control, candidate, place, node);
    if (isNumber(control) && isNumber(candidate)) return this.#numbers(control, candidate, node);
    if (typeof control === "string" && typeof candidate === "string") return this.#names(control, candidate, node);
    return this.#says.report("value", "value", node, control, candidate);
  }

  /** Equal scalars, unless one arm is known to call the thing otherwise (shadow M4). */
  #isPlainlySame(control: JsonValue, candidate: JsonValue, place: BodyPlace): boolean {
    if (control !== candidate || (control !== null && typeof control === "object")) return false;
    const { meetings } = this.#trail;
    if (meetings === null) return true;
    if (typeof control === "string") return !meetings.isNamedOtherwise(control);
    if (typeof control !== "number" || !this.#rules.at(place).isId) return true;
    return !meetings.isNamedOtherwise(numberText(control));
  }

  /** Spelt alike as well, where no rule and no pair of ids has anything to say: most of most bodies. */
  #isUntouched(control: JsonValue, candidate: JsonValue, place: BodyPlace): boolean {
    if (this.#isPlainlySame(control, candidate, place)) return true;
    const isBare = place.found.length === 0 && !place.goesOn && this.#trail.meetings?.hasPairs !== true;
    return isBare && areSpelledAlike(control, candidate);
  }

  #isIgnored({ rule, how }: NonNullable<NodeRules["ignore"]>, control: JsonValue, candidate: JsonValue): boolean {
    const isNull = control === null || candidate === null;
    return (how === "all" || (how === "null-too" && isNull)) && this.#leaveOut(rule);
  }

  #leaveOut(rule: ComparisonRule): true {
    this.#trail.normalise("ignore");
    return this.#hit(rule);
  }

  /** By the normalisers of the rules. */
  #isSame(node: NodeRules, control: JsonValue, candidate: JsonValue): boolean {
    for (const { rule, normalisers } of node.same) {
      const found = normalisers.find((one) => one.isSame?.(control, candidate, this.#context));
      if (found === undefined) continue;
      this.#trail.normalise(found.name);
      return this.#hit(rule);
    }
    return false;
  }

  #numbers(control: number | JsonNumber, candidate: number | JsonNumber, node: NodeRules): boolean {
    const { meetings } = this.#trail;
    const isEqual = areNumbersEqual(control, candidate);
    if (node.isId && meetings !== null && (!isEqual || meetings.isNamedOtherwise(numberText(control)))) {
      return this.#names(control, candidate, node);
    }
    if (!isEqual) return this.#says.report("value", "value", node, control, candidate);
    if (numberText(control) !== numberText(candidate)) this.#trail.normalise("num");
    return true;
  }

  /** Texts, and numbers that a rule calls ids. */
  #names(control: string | number | JsonNumber, candidate: string | number | JsonNumber, node: NodeRules): boolean {
    const { meetings } = this.#trail;
    const [one, other] = [control, candidate].map((name) => (typeof name === "string" ? name : numberText(name)));
    if (meetings === null || one === undefined || other === undefined)
      return this.#says.report("value", "value", node, control, candidate);
    const met = meetings.meet(one, other, node.isId);
    if (met === "same") {
      if (one !== other) this.#trail.normalise("map");
      return true;
    }
    const isTentative = meetings.isTentative(one, other);
    const { counting } = this.#trail.found;
    this.#says.report("value", "value", node, control, candidate, isTentative);
    // What a rule foresees sets nothing apart.
    if (met === "conflict" && this.#trail.found.counting !== counting) meetings.conflict();
    return false;
  }

  #objects(control: JsonObject, candidate: JsonObject, place: BodyPlace, node: NodeRules): boolean {
    const [controlKeys, candidateKeys] = [Object.keys(control), Object.keys(candidate)];
    const mark = this.#trail.mark();
    const paired = new Paired(control);
    const of = [control, candidate] as const;
    let [children, equal] = [controlKeys.length, 0];
    for (const key of controlKeys) {
      const other = this.#partners.ofKey(key, control, candidate, node);
      paired.add(key, other);
      const [value, under] = [control[key] as JsonValue, place.key(key)];
      // Nothing needs to be told of most.
      if (other === key && this.#isUntouched(value, candidate[key] as JsonValue, under)) {
        equal += 1;
        continue;
      }
      if (other !== null && other !== key) this.#trail.normalise("map");
      const isTentative = other !== null && other !== key && this.#trail.meetings?.isTentative(key, other) === true;
      const step = { of, part: key, isData: node.isOpen, isTentative };
      const isEqual = this.#says.under(step, () =>
        other === null
          ? this.#alone("missing", value, under)
          : this.compare(value, candidate[other] as JsonValue, under),
      );
      equal += isEqual ? 1 : 0;
    }
    for (const key of paired.without(candidateKeys)) {
      const step = { of, part: key, isData: node.isOpen };
      const isEqual = this.#says.under(step, () => this.#alone("extra", candidate[key] as JsonValue, place.key(key)));
      children += 1;
      equal += isEqual ? 1 : 0;
    }
    if (equal === 0 && children >= COLLAPSE_MIN) this.#says.collapse(mark, control, candidate, node);
    const isSame = equal === children;
    if (isSame && controlKeys.some((key, at) => key !== candidateKeys[at])) this.#trail.normalise("keys");
    return isSame;
  }

  /** Only one arm has it. */
  #alone(kind: "missing" | "extra", value: JsonValue, place: BodyPlace): boolean {
    const node = this.#rules.at(place);
    if (node.ignore?.how === "all") return this.#leaveOut(node.ignore.rule);
    return kind === "missing"
      ? this.#says.report(kind, "breaking", node, value, undefined)
      : this.#says.report(kind, "extra", node, undefined, value);
  }

  #arrays(control: Items, candidate: Items, place: BodyPlace, node: NodeRules): boolean {
    const pairing = node.pairing?.pairing ?? { by: "position" };
    if (pairing.by === "position") return this.#tied(control, candidate, place, node);
    const pairs = this.#partners.ofItems(control, candidate, pairing, place.item());
    const lists = [control, candidate] as const;
    let isSame = this.#both(pairs.both, lists, pairing, place);
    if (pairs.control.length !== pairs.candidate.length) {
      isSame = this.#says.report("value", "value", node, control, candidate);
    } else {
      const rest = pairs.control.map((one, at) => [one, pairs.candidate[at] as Named] as const);
      isSame = this.#both(rest, lists, { by: "position" }, place) && isSame;
    }
    if (isSame && pairs.isReordered && node.pairing !== null) {
      this.#trail.normalise(node.pairing.name);
      this.#hit(node.pairing.rule);
    }
    return isSame;
  }

  #both(pairs: Pairs["both"], of: Lists, pairing: Pairing, place: BodyPlace): boolean {
    let isSame = true;
    for (const [one, other] of pairs) {
      const isGuess = isGuessed(pairing, one);
      const isTentative = pairing.by === "key" && !isGuess && this.#isTentativeKey(one, other, pairing.key);
      const step = { of, part: one.at, isTentative };
      const isEqual = this.#items(step, [one.item, other.item], place, isGuess);
      isSame = isEqual && isSame;
    }
    return isSame;
  }

  #isTentativeKey({ item: one }: Named, { item: other }: Named, key: string): boolean {
    const { meetings } = this.#trail;
    if (meetings === null || !isObject(one) || !isObject(other)) return false;
    const [control, candidate] = [one[key], other[key]];
    return typeof control === "string" && typeof candidate === "string" && meetings.isTentative(control, candidate);
  }

  /** `isGuess`: whether they are one thing is seen by what they say, so that two that differ teach no ids. */
  #items(
    step: Step,
    [control, candidate]: readonly [JsonValue, JsonValue],
    list: BodyPlace,
    isGuess: boolean,
  ): boolean {
    const { found, meetings } = this.#trail;
    const [met, counting] = [meetings?.mark() ?? 0, found.counting];
    const isSame = this.#says.under(step, () => this.compare(control, candidate, list.item()));
    if (isGuess && found.counting !== counting) meetings?.dropPairs(met);
    return isSame;
  }

  #tied(control: Items, candidate: Items, place: BodyPlace, node: NodeRules): boolean {
    const { pairing } = node;
    const ties = pairing?.pairing.by === "position" ? pairing.pairing.ties : undefined;
    if (pairing === null || ties === undefined) return this.#inOrder(control, candidate, place, node);
    const [one, other] = [settleTies(control, ties), settleTies(candidate, ties)];
    const isTouched = one.some((item, at) => item !== control[at]) || other.some((item, at) => item !== candidate[at]);
    const isSame = this.#inOrder(one, other, place, node);
    if (isSame && isTouched) {
      this.#trail.normalise(pairing.name);
      this.#hit(pairing.rule);
    }
    return isSame;
  }

  #inOrder(control: Items, candidate: Items, place: BodyPlace, node: NodeRules): boolean {
    // A list that is shorter has one cause, whatever stands in the rest of it.
    if (control.length !== candidate.length) return this.#says.report("value", "value", node, control, candidate);
    const mark = this.#trail.mark();
    let isSame = true;
    const [of, items] = [[control, candidate] as const, place.item()];
    for (const [at, item] of control.entries()) {
      const other = candidate[at] as JsonValue;
      if (this.#isUntouched(item, other, items)) continue;
      const isEqual = this.#items({ of, part: at }, [item, other], place, true);
      if (isEqual || !isSame) continue;
      isSame = false;
      // Asked at the first that is not equal: a list in another order would be as many differences as it has items.
      const pairs = this.#reordered([control, candidate], at, place, mark);
      if (pairs === null) continue;
      this.#trail.backTo(mark);
      this.#both(pairs.both, [control, candidate], { by: "content" }, place);
      return this.#says.report("order", "order", node, control, candidate);
    }
    return isSame;
  }

  /** All items, each with its own elsewhere; null: the lists are not the same in another order. */
  #reordered([control, candidate]: Lists, at: number, place: BodyPlace, { met }: TrailMark): Pairs | null {
    // What was met item by item would name them wrongly.
    const taken = this.#trail.meetings?.takeBack(met) ?? [];
    if (this.#partners.mayBeReordered(control, candidate, at, place.item())) {
      const pairs = this.#partners.ofItems(control, candidate, { by: "content" }, place.item());
      if (pairs.control.length === 0 && pairs.isReordered) return pairs;
    }
    this.#trail.meetings?.restore(taken);
    return null;
  }

  #hit({ id }: ComparisonRule): true {
    this.#trail.hit(id);
    return true;
  }
}
