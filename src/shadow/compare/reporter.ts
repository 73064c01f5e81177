// Says of a place of two bodies that they differ there: under which path, how badly, and whether a rule foresees it.
import type { JsonValue } from "../json/values.ts";
import { type DifferenceKind, type Severity, worstOf } from "../words.ts";
import type { CompareContext } from "./body.ts";
import { acceptsOf, type NodeRules, severityOf } from "./bodyRules.ts";
import type { Trail, TrailMark } from "./trail.ts";
import { valueClass } from "./valueClass.ts";
import { WalkPath } from "./walkPath.ts";

/** Into an object or a list. */
export interface Step {
  readonly of: readonly [control: JsonValue, candidate: JsonValue];
  readonly part: string | number;
  /** The part is a key that is data. */
  readonly isData?: boolean;
  /** That it is one thing on both arms rests on a tentative pair of ids. */
  readonly isTentative?: boolean;
}

export class Reporter {
  readonly #context: CompareContext;
  readonly #trail: Trail;
  readonly #path = new WalkPath();
  readonly #above: Step["of"][] = [];
  /** Above, so many things were taken for one because of ids that no call has proven. */
  #tentative = 0;

  constructor(context: CompareContext, trail: Trail) {
    this.#context = context;
    this.#trail = trail;
  }

  under<T>({ of, part, isData = false, isTentative = false }: Step, run: () => T): T {
    this.#tentative += isTentative ? 1 : 0;
    this.#above.push(of);
    try {
      return this.#path.under(part, isData, run);
    } finally {
      this.#above.pop();
      this.#tentative -= isTentative ? 1 : 0;
    }
  }

  /** `undefined`: that arm has nothing here. Gives whether it does not count. */
  report(
    kind: DifferenceKind,
    usual: Severity,
    node: NodeRules,
    control: JsonValue | undefined,
    candidate: JsonValue | undefined,
    isTentative = false,
  ): false {
    const acceptedBy = this.#acceptedBy(node, kind, control, candidate);
    const classes = { control: valueClass(control), candidate: valueClass(candidate) };
    const severity = severityOf(node, kind, usual);
    const mark = isTentative || this.#tentative > 0 ? ({ isTentative: true } as const) : {};
    const { template } = this.#path;
    this.#trail.found.add({ template, kind, severity, ...classes, acceptedBy, ...mark }, () => this.#path.text);
    return false;
  }

  /** Nothing of an object is the same: one difference, of all of it. */
  collapse(mark: TrailMark, control: JsonValue, candidate: JsonValue, node: NodeRules): void {
    const found = this.#trail.found.since(mark.found);
    const severity = worstOf(found.map((one) => one.severity));
    if (severity === null || found.some(({ acceptedBy }) => acceptedBy !== null)) return;
    const kind = found.find((one) => one.severity === severity)?.kind ?? "value";
    const isTentative = found.some((one) => one.isTentative === true);
    this.#trail.found.backTo(mark.found);
    this.#trail.meetings?.dropPairs(mark.met);
    this.report(kind, severity, node, control, candidate, isTentative);
  }

  #acceptedBy(node: NodeRules, kind: DifferenceKind, control: unknown, candidate: unknown): string | null {
    for (const rule of acceptsOf(node, kind)) {
      const condition = typeof rule.accept === "string" ? this.#context.conditions[rule.accept] : () => true;
      const { nowMs, shadow } = this.#context;
      const above = { control: this.#above.map(([one]) => one), candidate: this.#above.map(([, other]) => other) };
      if (condition?.({ control, candidate, nowMs, shadow, above, turns: this.#context.turns?.(rule.id) }) !== true)
        continue;
      this.#trail.hit(rule.id);
      return rule.id;
    }
    return null;
  }
}
