import { plural, table } from "../format.ts";
import type { Output } from "../output.ts";
import type { FixtureTrial, Hidden, HiddenFamily, RuleTrial } from "./ruleTrial.ts";
import { changeText, printable } from "../printable.ts";

export interface RulesTested {
  readonly file: string;
  readonly campaigns: readonly { readonly id: string; readonly unit: string }[];
  /** Of these campaigns. */
  readonly families: number;
  readonly samples: number;
  readonly rules: readonly RuleTrial[];
  readonly together: { readonly families: number; readonly samples: number };
  readonly fixtures: readonly FixtureTrial[];
  /** Names in `hides` that no fixture has. */
  readonly unknown: readonly string[];
}

/** Of each rule; the others are counted. */
const FAMILIES_SHOWN = 20;

export function rulesTestText(tested: RulesTested, out: Output): string {
  const { file, campaigns, families, samples, rules, together, fixtures, unknown } = tested;
  const units = campaigns.map(({ unit, id }) => `${unit} ${id.slice(0, 8)}`).join(", ");
  const kept = `${familiesOf(families)}, ${plural(samples, "sample")}`;
  const against = campaigns.length === 0 ? "no evidence" : `evidence of ${units}: ${kept}`;
  return [
    `${file}: ${plural(rules.length, "rule")}, against ${against}`,
    ...rules.flatMap((rule) => ruleLines(rule, out)),
    ...(campaigns.length === 0
      ? []
      : [
          `Together: ${familiesOf(together.families)} hidden, and ${plural(together.samples, "sample")} without a rest.`,
        ]),
    ...(fixtures.length === 0 ? [] : fixtureLines(fixtures, out)),
    ...(unknown.length === 0 ? [] : [`hides names what is no fixture: ${unknown.map(printable).join(", ")}`]),
  ].join("\n");
}

const familiesOf = (count: number): string => plural(count, "family", "families");

const hiddenText = ({ families, exchanges, samples }: Hidden): string =>
  `${familiesOf(families)} (${plural(exchanges, "exchange")}), ${plural(samples, "sample")}`;

function ruleLines(rule: RuleTrial, out: Output): readonly string[] {
  const { id, effect, on, isEnded, hides, mayHide, families } = rule;
  const head = `${out.bold(id)}   ${effect}   on ${on.slice(0, 3).join(", ")}${on.length > 3 ? `, ${on.length - 3} more` : ""}`;
  if (isEnded) return [head, "  hides nothing: its day has passed"];
  const lines = [head];
  if (hides.families > 0) lines.push(`  hides ${hiddenText(hides)}`);
  if (mayHide.families > 0) lines.push(`  may hide ${hiddenText(mayHide)}: it depends on values, which are not stored`);
  if (families.length === 0) lines.push("  hides nothing that is stored");
  else lines.push(table(families.slice(0, FAMILIES_SHOWN).map(familyRow), "    "));
  if (families.length > FAMILIES_SHOWN) lines.push(`    and ${families.length - FAMILIES_SHOWN} more`);
  return lines;
}

const familyRow = (one: HiddenFamily): readonly string[] => [
  one.severity,
  one.state,
  one.route,
  printable(one.template),
  `${one.kind} ${printable(changeText(one))}`,
  `${one.seen} seen`,
  one.isCertain ? "" : "perhaps",
];

function fixtureLines(fixtures: readonly FixtureTrial[], out: Output): readonly string[] {
  const told = fixtures.filter(({ state }) => state !== "as expected");
  const rows = told.map(({ name, before, expect, after, by, state }) => [
    name,
    before === after ? after : `${before} → ${after}`,
    by.length === 0 ? "" : `by ${by.join(", ")}`,
    {
      listed: "listed",
      hidden: out.alarm("not listed in the file"),
      unexpected: out.alarm(`expected ${expect}`),
      "as expected": "",
    }[state],
  ]);
  const head = `Fixtures: ${fixtures.length - told.length} of ${fixtures.length} as expected`;
  return rows.length === 0 ? [head] : [head, table(rows, "  ")];
}
