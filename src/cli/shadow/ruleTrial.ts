// What a rule file would hide (shadow §16): in stored families and samples, and in fixtures.
import { type ComparisonRule, isLive, type SampleRow, type VerdictName } from "../../shadow/index.ts";
import { type Reach, reachOf, type StoredPlace } from "./ruleReach.ts";
import { sampleOf, statusOf } from "./sample.ts";

/** One family of the evidence, with its samples. */
export interface TriedFamily extends Omit<StoredPlace, "path" | "status"> {
  readonly unit: string;
  readonly severity: string;
  readonly state: string;
  readonly differing: number;
  readonly samples: readonly SampleRow[];
}

export interface Hidden {
  readonly families: number;
  /** That were seen, not only those that are kept as samples. */
  readonly exchanges: number;
  readonly samples: number;
}

export interface HiddenFamily {
  readonly unit: string;
  readonly route: string;
  readonly template: string;
  readonly kind: string;
  readonly control: string | null;
  readonly candidate: string | null;
  readonly severity: string;
  readonly state: string;
  readonly seen: number;
  /** Samples in which the rule would hide it, for certain or perhaps. */
  readonly samples: number;
  readonly isCertain: boolean;
}

export interface RuleTrial {
  readonly id: string;
  readonly effect: string;
  readonly on: readonly string[];
  /** Its day has passed: it hides nothing. */
  readonly isEnded: boolean;
  readonly hides: Hidden;
  /** It depends on values, and those are not stored. */
  readonly mayHide: Hidden;
  readonly families: readonly HiddenFamily[];
}

interface Trial {
  readonly rules: readonly RuleTrial[];
  /** Of all rules together: families, and samples in which nothing at all would be left. */
  readonly together: { readonly families: number; readonly samples: number };
}

type StatusClass = (status: number) => string;

export function tryRules(
  rules: readonly ComparisonRule[],
  families: readonly TriedFamily[],
  statusClass: StatusClass,
  nowMs: number,
): Trial {
  const live = rules.filter((rule) => isLive(rule, nowMs));
  const hiding = (place: StoredPlace): boolean => live.some((rule) => reachOf(rule, place, statusClass) === "hides");
  return {
    rules: rules.map((rule) => tryRule(rule, live.includes(rule) ? families : [], statusClass, nowMs)),
    together: {
      families: families.filter((one) => live.some((rule) => reachOfFamily(rule, one, statusClass).reach === "hides"))
        .length,
      samples: families
        .flatMap((one) => one.samples.map((sample) => placesIn(one, sample)))
        .filter((places) => places.length > 0 && places.every(hiding)).length,
    },
  };
}

function tryRule(
  rule: ComparisonRule,
  families: readonly TriedFamily[],
  statusClass: StatusClass,
  nowMs: number,
): RuleTrial {
  const found = families.flatMap((family): HiddenFamily[] => {
    const { reach, samples } = reachOfFamily(rule, family, statusClass);
    if (reach === "none") return [];
    const { unit, route, template, kind, control, candidate, severity, state, differing } = family;
    const isCertain = reach === "hides";
    const place = { unit, route: route.id, template, kind, control, candidate };
    return [{ ...place, severity, state, seen: differing, samples, isCertain }];
  });
  const { id, on } = rule;
  return {
    id,
    effect: effectOf(rule),
    on,
    isEnded: !isLive(rule, nowMs),
    hides: sumOf(found.filter(({ isCertain }) => isCertain)),
    mayHide: sumOf(found.filter(({ isCertain }) => !isCertain)),
    families: found,
  };
}

const sumOf = (families: readonly HiddenFamily[]): Hidden => ({
  families: families.length,
  exchanges: families.reduce((sum, { seen }) => sum + seen, 0),
  samples: families.reduce((sum, { samples }) => sum + samples, 0),
});

/** Hidden for certain only if it is in every sample: they differ in place and status. */
function reachOfFamily(
  rule: ComparisonRule,
  family: TriedFamily,
  statusClass: StatusClass,
): { readonly reach: Reach; readonly samples: number } {
  const places = family.samples.flatMap((sample) => placesIn(family, sample).filter((place) => isOf(family, place)));
  if (places.length === 0) {
    const place: StoredPlace = { ...family, path: family.template, status: null };
    return { reach: reachOf(rule, place, statusClass), samples: 0 };
  }
  const reaches = places.map((place) => reachOf(rule, place, statusClass));
  const samples = reaches.filter((reach) => reach !== "none").length;
  if (samples === 0) return { reach: "none", samples };
  return { reach: reaches.every((reach) => reach === "hides") ? "hides" : "may", samples };
}

const isOf = (family: TriedFamily, place: StoredPlace): boolean =>
  place.template === family.template &&
  place.kind === family.kind &&
  place.control === family.control &&
  place.candidate === family.candidate;

/** All that differs in one stored exchange. */
function placesIn({ route }: TriedFamily, { body }: SampleRow): readonly StoredPlace[] {
  const sample = sampleOf(body);
  return sample === null ? [] : sample.differences.map((one) => ({ ...one, route, status: statusOf(sample) }));
}

export function effectOf(rule: ComparisonRule): string {
  const { ignore, compare, accept, severity } = rule;
  if (ignore !== undefined) return `ignore ${ignore}`;
  if (compare !== undefined) return `compare ${compare.join(", ")}`;
  if (accept !== undefined) return accept === true ? "accept" : `accept ${accept}`;
  if (severity !== undefined) return `severity ${severity}`;
  if (rule.exclude === true) return "exclude";
  return rule.isId === true ? "isId" : "isOpen";
}

export interface FixtureTrial {
  readonly name: string;
  readonly route: string;
  readonly expect: VerdictName;
  readonly before: VerdictName;
  readonly after: VerdictName;
  /** Rules of the file that had a say. */
  readonly by: readonly string[];
  /** `hidden`: it was `different`, and the file does not say that it knows. */
  readonly state: "as expected" | "listed" | "hidden" | "unexpected";
}

export function judgeFixture(
  fixture: { readonly name: string; readonly route: string; readonly expect?: VerdictName | undefined },
  before: VerdictName,
  { verdict: after, by }: { readonly verdict: VerdictName; readonly by: readonly string[] },
  hides: readonly string[],
): FixtureTrial {
  const { name, route, expect = before } = fixture;
  const isTurned = after !== "different" && (before === "different" || expect === "different");
  const turned = hides.includes(name) ? "listed" : "hidden";
  const state = isTurned ? turned : after === expect ? "as expected" : "unexpected";
  return { name, route, expect, before, after, by, state };
}
