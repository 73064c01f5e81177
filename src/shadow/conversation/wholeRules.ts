// Rules about whole messages and closes (contract differences.md §6, S-9, S-13): whether there is one, on one side only, in another
// order or of another kind. Paths inside of messages have their own.
import type { Arm } from "../../kernel/index.ts";
import type { AcceptCondition } from "../compare/bodyRules.ts";
import { type ComparisonRule, isLive } from "../rules/rule.ts";
import { type DifferenceKind, isWorse, type Severity } from "../words.ts";

/** Rules call the close of a socket so. */
export const CLOSE = "close";

/** How often something was seen before, of all conversations of the surface: what a condition on rates needs. */
export interface TurnCounts {
  /** Turns that were compared. */
  readonly turns: number;
  /** Messages and closes that the rule has accepted. */
  hits(rule: string): number;
}

export interface WholeSeen {
  /** As its codec calls it, or `close`. */
  readonly type: string;
  readonly kind: DifferenceKind;
  readonly control: unknown;
  readonly candidate: unknown;
  /** Both sides have one: only a condition that looks into both may accept that they are not the same. */
  readonly isChanged: boolean;
  /** Epoch ms. */
  readonly nowMs: number;
}

export interface WholeAnswer {
  readonly acceptedBy: string | null;
  /** The arms did different things, and that was foreseen: what follows cannot be the same. */
  readonly isApart: boolean;
  readonly isIgnored: boolean;
  /** That rules want; null: the usual one. */
  readonly severity: Severity | null;
  /** Of the rule that decided; null: none. */
  readonly rule: string | null;
}

export interface WholeRulesOptions {
  readonly surface: string;
  /** All of the campaign; only those of this surface with a `message` and no path hold. */
  readonly rules: readonly ComparisonRule[];
  /** They get the whole message, of a close its end; null: there is none on that side. */
  readonly conditions: Readonly<Record<string, AcceptCondition>>;
  readonly counts: TurnCounts;
  readonly shadow: Arm;
}

const NONE: WholeAnswer = { acceptedBy: null, isApart: false, isIgnored: false, severity: null, rule: null };

export class WholeRules {
  readonly #options: WholeRulesOptions;
  readonly #byType = new Map<string, ComparisonRule[]>();

  constructor(options: WholeRulesOptions) {
    this.#options = options;
    for (const rule of options.rules) {
      const { message, path, on } = rule;
      const isHere = on.includes(options.surface) || on.includes("*");
      if (message === undefined || path !== undefined || !isHere) continue;
      this.#byType.set(message, [...(this.#byType.get(message) ?? []), rule]);
    }
  }

  settle(seen: WholeSeen): WholeAnswer {
    const rules = this.#byType.get(seen.type)?.filter((rule) => isLive(rule, seen.nowMs)) ?? [];
    const holding = rules.filter(({ kinds }) => kinds?.includes(seen.kind) ?? true);
    const ignoring = seen.isChanged ? undefined : holding.find(({ ignore }) => ignore === "all");
    if (ignoring !== undefined) return { ...NONE, isIgnored: true, rule: ignoring.id };
    const accepting = holding.find((rule) => this.#accepts(rule, seen));
    if (accepting !== undefined) {
      const isApart = typeof accepting.accept === "string";
      return { ...NONE, acceptedBy: accepting.id, isApart, rule: accepting.id };
    }
    let severity: Severity | null = null;
    for (const rule of holding) {
      if (rule.severity !== undefined && (severity === null || isWorse(rule.severity, severity)))
        severity = rule.severity;
    }
    return { ...NONE, severity };
  }

  #accepts({ id, accept }: ComparisonRule, { control, candidate, nowMs, isChanged }: WholeSeen): boolean {
    if (accept === true) return !isChanged;
    if (accept === undefined) return false;
    const { conditions, counts, shadow } = this.#options;
    // The turn that is judged counts too.
    const turns = { compared: counts.turns + 1, accepted: counts.hits(id) };
    const above = { control: [], candidate: [] };
    try {
      return conditions[accept]?.({ control, candidate, nowMs, shadow, above, turns }) === true;
    } catch {
      return false; // the application's own fault hides nothing
    }
  }
}

/** The counts of one surface in one campaign. */
export class TurnTally implements TurnCounts {
  #turns = 0;
  readonly #hits = new Map<string, number>();

  get turns(): number {
    return this.#turns;
  }

  hits(rule: string): number {
    return this.#hits.get(rule) ?? 0;
  }

  /** A turn that was compared, with the rules that were needed. */
  count(ruleHits: ReadonlyMap<string, number>): void {
    this.#turns += 1;
    for (const [rule, hits] of ruleHits) this.#hits.set(rule, this.hits(rule) + hits);
  }
}
