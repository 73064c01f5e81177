import type { ComparisonRule } from "../../shadow/ports.ts";

/** What a row says of values (differences.md §1); `else`: it is no rule of values, `where` says where it lives. */
export type RowVerdict = "IGN" | "NORM" | "MAP" | "ACCEPT" | "CATCH" | "else";

export interface RuleRow {
  readonly id: string;
  readonly verdict: RowVerdict;
  readonly rules: readonly ComparisonRule[];
  readonly where: string;
}

/** `on`: elsewhere than the row itself. */
type Effect = Omit<ComparisonRule, "id" | "owner" | "reason" | "until" | "on"> & { readonly on?: readonly string[] };

/** A row of the tables with its rules, named after it. */
export const row = (
  id: string,
  verdict: RowVerdict,
  reason: string,
  on: readonly string[],
  ...effects: readonly Effect[]
): RuleRow => ({
  id,
  verdict,
  where: reason,
  rules: effects.map((effect, at) => ({
    id: effects.length === 1 ? id : `${id}.${at + 1}`,
    owner: "contract",
    reason,
    until: "contract",
    ...effect,
    on: [...(effect.on ?? on)],
  })),
});

/** A row that needs no rule of its own. */
export const elsewhere = (id: string, verdict: RowVerdict, where: string): RuleRow => ({
  id,
  verdict,
  where,
  rules: [],
});
