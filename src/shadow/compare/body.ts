// Compares two decoded bodies under the rules of their route (shadow §5): which paths differ, how, and what made others equal.
import type { Arm } from "../../kernel/index.ts";
import { areNumbersEqual, numberText } from "../json/decimal.ts";
import { isArray, isNumber, isObject, type JsonObject, jsonTypeOf, type JsonValue } from "../json/values.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import { type DifferenceKind, type Severity, worstOf } from "../words.ts";
import {
  acceptsOf,
  type AcceptCondition,
  type BodyPlace,
  type BodyRules,
  type NodeRules,
  severityOf,
} from "./bodyRules.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { type FoundDifference, FoundDifferences, type Mark } from "./foundDifferences.ts";
import type { NormaliserContext, Pairing } from "./normalisers.ts";
import { type Named, type Pairs, pairUp, settleTies } from "./pairing.ts";
import { valueClass } from "./valueClass.ts";
import { WalkPath } from "./walkPath.ts";

/** The two arms' names for one thing (shadow §6). */
export interface IdPairs {
  /** Two different texts at one path: `same` when they name one thing, `conflict` when one of them names another. */
  meet(control: string, candidate: string, isDeclared: boolean): "same" | "conflict" | "unknown";
  candidateOf(control: string): string | null;
}

export interface CompareContext extends NormaliserContext {
  /** Epoch ms. */
  readonly nowMs: number;
  readonly shadow: Arm;
  readonly conditions: Readonly<Record<string, AcceptCondition>>;
  readonly ids: IdPairs | null;
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
  const walk = new Walk(rules, context);
  walk.compare(control, candidate, rules.root);
  return {
    differences: walk.found.all,
    normalisers: walk.normalisers,
    ruleHits: walk.ruleHits,
  };
}

type Items = readonly JsonValue[];

class Walk {
  readonly found = new FoundDifferences();
  readonly normalisers = new Set<string>();
  readonly ruleHits = new Map<string, number>();
  readonly #rules: BodyRules;
  readonly #context: CompareContext;
  readonly #path = new WalkPath();

  constructor(rules: BodyRules, context: CompareContext) {
    this.#rules = rules;
    this.#context = context;
  }

  /** Gives whether they are the same here. */
  compare(control: JsonValue, candidate: JsonValue, place: BodyPlace): boolean {
    if (control === candidate && (control === null || typeof control !== "object")) return true;
    const node = this.#rules.at(place);
    if (node.ignore !== null && this.#isIgnored(node.ignore, control, candidate)) return true;
    if (jsonTypeOf(control) !== jsonTypeOf(candidate))
      return this.#report("type", "breaking", node, control, candidate);
    if (node.ignore !== null) return this.#hit(node.ignore.rule);
    if (this.#isSame(node, control, candidate)) return true;
    if (isArray(control) && isArray(candidate)) return this.#arrays(control, candidate, place, node);
    if (isObject(control) && isObject(candidate)) return this.#objects(control, candidate, place, node);
    if (isNumber(control) && isNumber(candidate) && areNumbersEqual(control, candidate)) {
      if (numberText(control) !== numberText(candidate)) this.normalisers.add("num");
      return true;
    }
    if (typeof control === "string" && typeof candidate === "string") return this.#texts(control, candidate, node);
    return this.#report("value", "value", node, control, candidate);
  }

  #isIgnored({ rule, how }: NonNullable<NodeRules["ignore"]>, control: JsonValue, candidate: JsonValue): boolean {
    const isNull = control === null || candidate === null;
    return (how === "all" || (how === "null-too" && isNull)) && this.#hit(rule);
  }

  /** By the normalisers of the rules. */
  #isSame(node: NodeRules, control: JsonValue, candidate: JsonValue): boolean {
    for (const { rule, normalisers } of node.same) {
      const found = normalisers.find((one) => one.isSame?.(control, candidate, this.#context));
      if (found === undefined) continue;
      this.normalisers.add(found.name);
      return this.#hit(rule);
    }
    return false;
  }

  #texts(control: string, candidate: string, node: NodeRules): boolean {
    const met = this.#context.ids?.meet(control, candidate, node.isId);
    if (met !== "same") return this.#report("value", "value", node, control, candidate);
    this.normalisers.add("map");
    return true;
  }

  #objects(control: JsonObject, candidate: JsonObject, place: BodyPlace, node: NodeRules): boolean {
    const [controlKeys, candidateKeys] = [Object.keys(control), Object.keys(candidate)];
    const mark = this.found.mark();
    const paired = new Set<string>();
    let [children, equal] = [0, 0];
    for (const key of controlKeys) {
      const other = this.#otherKey(key, control, candidate);
      if (other !== null) paired.add(other);
      const isEqual = this.#path.under(key, node.isOpen, () =>
        other === null
          ? this.#alone("missing", control[key] as JsonValue, place.key(key))
          : this.compare(control[key] as JsonValue, candidate[other] as JsonValue, place.key(key)),
      );
      children += 1;
      equal += isEqual ? 1 : 0;
    }
    for (const key of candidateKeys) {
      if (paired.has(key)) continue;
      const isEqual = this.#path.under(key, node.isOpen, () =>
        this.#alone("extra", candidate[key] as JsonValue, place.key(key)),
      );
      children += 1;
      equal += isEqual ? 1 : 0;
    }
    if (equal === 0 && children >= COLLAPSE_MIN) this.#collapse(mark, control, candidate, node);
    const isSame = equal === children;
    if (isSame && controlKeys.some((key, at) => key !== candidateKeys[at])) this.normalisers.add("keys");
    return isSame;
  }

  /** The candidate's key for the same thing, or null. */
  #otherKey(key: string, control: JsonObject, candidate: JsonObject): string | null {
    if (Object.hasOwn(candidate, key)) return key;
    const other = this.#context.ids?.candidateOf(key) ?? null;
    if (other === null || !Object.hasOwn(candidate, other) || Object.hasOwn(control, other)) return null;
    this.normalisers.add("map");
    return other;
  }

  /** Only one arm has it. */
  #alone(kind: "missing" | "extra", value: JsonValue, place: BodyPlace): boolean {
    const node = this.#rules.at(place);
    if (node.ignore?.how === "all") return this.#hit(node.ignore.rule);
    return kind === "missing"
      ? this.#report(kind, "breaking", node, value, undefined)
      : this.#report(kind, "extra", node, undefined, value);
  }

  #arrays(control: Items, candidate: Items, place: BodyPlace, node: NodeRules): boolean {
    const pairing = node.pairing?.pairing ?? { by: "position" };
    if (pairing.by === "position") return this.#tied(control, candidate, place, node);
    const pairs = this.#pairs(control, candidate, pairing, place.item());
    let isSame = this.#both(pairs.both, place);
    if (pairs.control.length !== pairs.candidate.length) {
      isSame = this.#report("value", "value", node, control, candidate);
    } else {
      const rest = pairs.control.map((one, at) => [one, pairs.candidate[at] as Named] as const);
      isSame = this.#both(rest, place) && isSame;
    }
    if (isSame && pairs.isReordered && node.pairing !== null) {
      this.normalisers.add(node.pairing.name);
      this.#hit(node.pairing.rule);
    }
    return isSame;
  }

  #both(pairs: Pairs["both"], place: BodyPlace): boolean {
    let isSame = true;
    for (const [one, other] of pairs) {
      isSame = this.#path.under(one.at, false, () => this.compare(one.item, other.item, place.item())) && isSame;
    }
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
      this.normalisers.add(pairing.name);
      this.#hit(pairing.rule);
    }
    return isSame;
  }

  #inOrder(control: Items, candidate: Items, place: BodyPlace, node: NodeRules): boolean {
    // A list that is shorter has one cause, whatever stands in the rest of it.
    if (control.length !== candidate.length) return this.#report("value", "value", node, control, candidate);
    const mark = this.found.mark();
    let isSame = true;
    for (const [at, item] of control.entries()) {
      const other = candidate[at] as JsonValue;
      const isEqual = this.#path.under(at, false, () => this.compare(item, other, place.item()));
      if (isEqual || !isSame) continue;
      isSame = false;
      // Asked at the first that is not equal: a list in another order would be as many differences as it has items.
      const pairs = this.#pairs(control, candidate, { by: "content" }, place.item());
      if (pairs.control.length > 0 || !pairs.isReordered) continue;
      this.found.backTo(mark);
      this.#both(pairs.both, place);
      return this.#report("order", "order", node, control, candidate);
    }
    return isSame;
  }

  #pairs(control: Items, candidate: Items, pairing: Exclude<Pairing, { by: "position" }>, items: BodyPlace): Pairs {
    const { ids } = this.#context;
    const namer = (idOf: (text: string) => string) => (item: JsonValue) => {
      if (pairing.by === "content") return fingerprintOf(item, items, this.#rules, idOf);
      const key = isObject(item) && Object.hasOwn(item, pairing.key) ? (item[pairing.key] as JsonValue) : null;
      return fingerprintOf(key, items.key(pairing.key), this.#rules, idOf);
    };
    return pairUp(control, candidate, {
      control: namer((text) => ids?.candidateOf(text) ?? text),
      candidate: namer((text) => text),
    });
  }

  /** Nothing of an object is the same: one difference, of all of it. */
  #collapse(mark: Mark, control: JsonValue, candidate: JsonValue, node: NodeRules): void {
    const found = this.found.since(mark);
    const severity = worstOf(found.map((one) => one.severity));
    if (severity === null || found.some(({ acceptedBy }) => acceptedBy !== null)) return;
    const kind = found.find((one) => one.severity === severity)?.kind ?? "value";
    this.found.backTo(mark);
    this.#report(kind, severity, node, control, candidate);
  }

  #hit({ id }: ComparisonRule): true {
    this.ruleHits.set(id, (this.ruleHits.get(id) ?? 0) + 1);
    return true;
  }

  /** `undefined`: that arm has nothing here. Gives whether it does not count. */
  #report(
    kind: DifferenceKind,
    usual: Severity,
    node: NodeRules,
    control: JsonValue | undefined,
    candidate: JsonValue | undefined,
  ): false {
    const acceptedBy = this.#acceptedBy(node, kind, control, candidate);
    const classes = { control: valueClass(control), candidate: valueClass(candidate) };
    const severity = severityOf(node, kind, usual);
    this.found.add({ template: this.#path.template, path: this.#path.text, kind, severity, ...classes, acceptedBy });
    return false;
  }

  #acceptedBy(node: NodeRules, kind: DifferenceKind, control: unknown, candidate: unknown): string | null {
    for (const rule of acceptsOf(node, kind)) {
      const condition = typeof rule.accept === "string" ? this.#context.conditions[rule.accept] : () => true;
      const { nowMs, shadow } = this.#context;
      if (condition?.({ control, candidate, nowMs, shadow }) !== true) continue;
      this.#hit(rule);
      return rule.id;
    }
    return null;
  }
}
