// Compares headers: names without regard to case, values after the normalisers of their rules.
import type { Reply } from "../observation.ts";
import { type ComparisonRule, isForStatus } from "../rules/rule.ts";
import type { DifferenceKind, Severity } from "../words.ts";
import type { FoundDifference } from "./foundDifferences.ts";
import { mediaTypeOf } from "./decode.ts";

/**
 * Each hop or server writes these for itself (RFC 9110 §§6.6, 7.6, 10.2.4; RFC 9112 §6), or they describe bytes that are
 * compared decoded.
 */
const OWN = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "date",
  "keep-alive",
  "proxy-connection",
  "server",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

type Effect = "ignore" | "compare" | "accept" | "severity";

export interface HeaderRules {
  /** Of the rules that hold with this status and kind of difference the last one. */
  ruleOf(name: string, effect: Effect, status: number, kind?: DifferenceKind): ComparisonRule | null;
}

export function createHeaderRules(rules: Iterable<ComparisonRule>): HeaderRules {
  const all = [...rules].filter(({ header }) => header !== undefined);
  const isOf = (header: string, name: string): boolean =>
    header.endsWith("*") ? name.startsWith(header.slice(0, -1)) : name === header;
  return {
    ruleOf: (name, effect, status, kind) =>
      all.findLast(
        (rule) =>
          rule[effect] !== undefined &&
          isOf(rule.header ?? "", name) &&
          isForStatus(rule, status) &&
          (kind === undefined || (rule.kinds?.includes(kind) ?? true)),
      ) ?? null,
  };
}

type Values = ReadonlyMap<string, readonly string[]>;

function valuesOf({ headers }: Reply): Values {
  const values = new Map<string, string[]>();
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    if (OWN.has(name)) continue;
    const value = (headers[at + 1] as string).trim();
    const same = values.get(name);
    if (same === undefined) values.set(name, [value]);
    else same.push(value);
  }
  return values;
}

const listOf = (values: readonly string[]): readonly string[] =>
  values.flatMap((value) => value.split(",")).map((item) => item.trim());

/** As text; equal for what means the same. */
function meaningOf(name: string, values: readonly string[], rule: ComparisonRule | null): string {
  if (name === "content-type") return mediaTypeOf(values[0] ?? "");
  if (rule?.compare?.includes("set") === true) return [...new Set(listOf(values))].sort().join(", ");
  // One line or several, the list is the same (RFC 9110 §5.2); of cookies it is not.
  return name === "set-cookie" ? values.join("\n") : listOf(values).join(", ");
}

export interface HeaderComparison {
  readonly differences: readonly FoundDifference[];
  readonly normalisers: ReadonlySet<string>;
  readonly ruleHits: readonly string[];
}

export function compareHeaders(control: Reply, candidate: Reply, rules: HeaderRules): HeaderComparison {
  const [left, right] = [valuesOf(control), valuesOf(candidate)];
  const differences: FoundDifference[] = [];
  const normalisers = new Set<string>();
  const ruleHits: string[] = [];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(name), right.get(name)];
    if (one?.join("\n") === other?.join("\n")) continue;
    const ignoring = rules.ruleOf(name, "ignore", control.status);
    if (ignoring !== null && (ignoring.ignore === "all" || (one !== undefined && other !== undefined))) {
      ruleHits.push(ignoring.id);
      continue;
    }
    const comparing = rules.ruleOf(name, "compare", control.status);
    if (
      one !== undefined &&
      other !== undefined &&
      meaningOf(name, one, comparing) === meaningOf(name, other, comparing)
    ) {
      normalisers.add(comparing?.compare?.[0] ?? "header");
      if (comparing !== null) ruleHits.push(comparing.id);
      continue;
    }
    const difference = differenceOf(name, one, other, control.status, rules);
    if (difference.acceptedBy !== null) ruleHits.push(difference.acceptedBy);
    differences.push(difference);
  }
  return { differences, normalisers, ruleHits };
}

function differenceOf(
  name: string,
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
  status: number,
  rules: HeaderRules,
): FoundDifference {
  const kind = other === undefined ? "missing" : one === undefined ? "extra" : "value";
  const usual: Severity = kind === "extra" ? "extra" : "value";
  const classOf = (values: readonly string[] | undefined): string | null => (values === undefined ? null : "text");
  return {
    template: `header:${name}`,
    path: `header:${name}`,
    kind,
    severity: rules.ruleOf(name, "severity", status, kind)?.severity ?? usual,
    control: classOf(one),
    candidate: classOf(other),
    count: 1,
    acceptedBy: rules.ruleOf(name, "accept", status, kind)?.id ?? null,
  };
}
