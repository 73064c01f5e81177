// Rules of bodies, gathered by path: what a walk over two bodies asks at each node.
import type { Arm } from "../../kernel/index.ts";
import type { JsonValue } from "../json/values.ts";
import { createMatcher, type Place } from "../paths/matcher.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import { type DifferenceKind, isWorse, type Severity } from "../words.ts";
import type { TurnCounts } from "./body.ts";
import { createNormaliser, type Normaliser, type NormaliserTable, type Pairing } from "./normalisers.ts";

/** Says of one difference whether the application foresees it; by its name in `accept`. Pure. */
export type AcceptCondition = (facts: {
  readonly control: unknown;
  readonly candidate: unknown;
  readonly nowMs: number;
  /** Asked later than the other. */
  readonly shadow: Arm;
  /** What the two values stand in: the whole body or message first, their own object or list last; empty for a whole one. */
  readonly above?: { readonly control: readonly unknown[]; readonly candidate: readonly unknown[] };
  readonly turns?: TurnCounts | undefined;
}) => boolean;

interface Ready {
  readonly rule: ComparisonRule;
  readonly normalisers: readonly Normaliser[];
}

/** What holds at one node. */
export interface NodeRules {
  readonly ignore: { readonly rule: ComparisonRule; readonly how: "value" | "null-too" | "all" } | null;
  readonly same: readonly Ready[];
  readonly pairing: { readonly rule: ComparisonRule; readonly name: string; readonly pairing: Pairing } | null;
  readonly accepts: readonly ComparisonRule[];
  readonly severities: readonly ComparisonRule[];
  readonly isOpen: boolean;
  readonly isId: boolean;
}

const PLAIN: NodeRules = {
  ignore: null,
  same: [],
  pairing: null,
  accepts: [],
  severities: [],
  isOpen: false,
  isId: false,
};

export class BodyRules {
  readonly root: Place<Ready>;
  readonly #nodes = new WeakMap<Place<Ready>, NodeRules>();

  /** @param rules those of one route; only such with a path count @throws RangeError for an unknown normaliser */
  constructor(rules: Iterable<ComparisonRule>, table: NormaliserTable) {
    const patterns = [...rules].flatMap((rule) => {
      if (rule.path === undefined) return [];
      const normalisers = (rule.compare ?? []).map((call) => createNormaliser(call, table));
      return [{ pattern: rule.path, value: { rule, normalisers } }];
    });
    this.root = createMatcher(patterns);
  }

  at(place: Place<Ready>): NodeRules {
    if (place.found.length === 0) return PLAIN;
    let node = this.#nodes.get(place);
    if (node === undefined) {
      node = gather(place.found);
      this.#nodes.set(place, node);
    }
    return node;
  }
}

export type BodyPlace = BodyRules["root"];

function gather(found: readonly Ready[]): NodeRules {
  const rules = found.map(({ rule }) => rule);
  const ignoring = rules.findLast(({ ignore }) => ignore !== undefined);
  const pairings = found.flatMap(({ rule, normalisers }) =>
    normalisers.flatMap(({ name, pairing }) => (pairing === undefined ? [] : [{ rule, name, pairing }])),
  );
  return {
    ignore: ignoring?.ignore === undefined ? null : { rule: ignoring, how: ignoring.ignore },
    same: found.filter(({ normalisers }) => normalisers.some(({ isSame }) => isSame !== undefined)),
    pairing: pairings.at(-1) ?? null,
    accepts: rules.filter(({ accept }) => accept !== undefined),
    severities: rules.filter(({ severity }) => severity !== undefined),
    isOpen: rules.some(({ isOpen }) => isOpen === true),
    isId: rules.some(({ isId }) => isId === true),
  };
}

const isFor = ({ kinds }: ComparisonRule, kind: DifferenceKind): boolean => kinds?.includes(kind) ?? true;

/** The worst that a rule says; otherwise the usual one. */
export function severityOf(node: NodeRules, kind: DifferenceKind, usual: Severity): Severity {
  let worst: Severity | null = null;
  for (const rule of node.severities) {
    if (rule.severity === undefined || !isFor(rule, kind)) continue;
    if (worst === null || isWorse(rule.severity, worst)) worst = rule.severity;
  }
  return worst ?? usual;
}

/** Some rule may take another value for the same as this one. */
export const isTolerant = ({ same }: NodeRules, value: JsonValue): boolean =>
  same.some(({ normalisers }) =>
    normalisers.some(({ isSame, takes }) => isSame !== undefined && (takes?.(value) ?? true)),
  );

export const acceptsOf = (node: NodeRules, kind: DifferenceKind): readonly ComparisonRule[] =>
  node.accepts.filter((rule) => isFor(rule, kind));
