// Whether a rule would have hidden a difference that is stored (shadow §16). Stored are places and classes, no values, so that of
// some rules nobody can say.
import {
  type ComparisonRule,
  createMatcher,
  type Difference,
  isForStatus,
  namesOf,
  parsePattern,
  type Place,
  plainNameOf,
  type RoutePlan,
} from "../../shadow/index.ts";

/** `may`: it depends on values. */
export type Reach = "hides" | "may" | "none";

export interface StoredPlace extends Pick<Difference, "template" | "path" | "kind" | "control" | "candidate"> {
  readonly route: Pick<RoutePlan, "id" | "methods" | "paths" | "surface">;
  /** Of control. `failed`: it gave no reply; null: not known. */
  readonly status: number | "failed" | null;
}

type StatusClass = (status: number) => string;

export function reachOf(rule: ComparisonRule, found: StoredPlace, statusClass: StatusClass): Reach {
  const [, message, inMessage] = /^message:(.+?)(?: (\$.*))?$/s.exec(found.template) ?? [];
  if (!isOn(rule, found.route, message ?? null)) return "none";
  if (rule.exclude === true) return "hides";
  const reach = atPlace(rule, found, inMessage, statusClass);
  return rule.statuses === undefined || reach === "none" ? reach : withStatus(rule, found, message, reach);
}

/** Messages are gathered by the name of their surface, answers by that of their route (shadow N4). */
function isOn(rule: ComparisonRule, route: StoredPlace["route"], message: string | null): boolean {
  const isOfSurface = rule.on.includes("*") || (route.surface !== null && rule.on.includes(route.surface));
  if (message !== null) return isOfSurface && (rule.message === undefined || rule.message === message);
  const names = namesOf(route);
  return rule.message === undefined && (isOfSurface || rule.on.some((name) => names.has(plainNameOf(name))));
}

function withStatus(rule: ComparisonRule, { status }: StoredPlace, message: string | undefined, reach: Reach): Reach {
  // Messages have none and are compared as good answers are.
  if (message !== undefined) return isForStatus(rule, 200) ? reach : "none";
  if (status === null) return "may";
  return status === "failed" || isForStatus(rule, status) ? reach : "none";
}

function atPlace(
  rule: ComparisonRule,
  found: StoredPlace,
  inMessage: string | undefined,
  statusClass: StatusClass,
): Reach {
  const isWhole = found.template.startsWith("message:") && inMessage === undefined;
  if (rule.status === true) return found.template === "status" ? ofStatus(rule, found, statusClass) : "none";
  if (rule.header !== undefined) return ofHeader(rule, rule.header, found);
  if (rule.path !== undefined) {
    const path = inMessage === undefined ? found.path : found.path.slice(found.path.indexOf(" $") + 1);
    return path.startsWith("$") ? ofPath(rule, rule.path, path, found) : "none";
  }
  return isWhole && rule.accept === true && isOfKind(rule, found) ? "hides" : "none";
}

const isOfKind = ({ kinds }: ComparisonRule, { kind }: StoredPlace): boolean => kinds?.includes(kind) ?? true;

function ofStatus(
  { accept, compare }: ComparisonRule,
  { control, candidate }: StoredPlace,
  classOf: StatusClass,
): Reach {
  if (accept === true) return "hides";
  const [one, other] = [Number(control ?? Number.NaN), Number(candidate ?? Number.NaN)];
  if (compare === undefined || Number.isNaN(one) || Number.isNaN(other)) return "none";
  return classOf(one) === classOf(other) ? "hides" : "none";
}

function ofHeader(rule: ComparisonRule, header: string, found: StoredPlace): Reach {
  const [, name] = /^header:(.+)$/.exec(found.template) ?? [];
  const isIt = name !== undefined && (header.endsWith("*") ? name.startsWith(header.slice(0, -1)) : name === header);
  if (!isIt) return "none";
  if (rule.ignore !== undefined) return rule.ignore === "all" || found.kind === "value" ? "hides" : "none";
  if (rule.compare !== undefined) return found.kind === "value" ? "may" : "none";
  return rule.accept !== undefined && isOfKind(rule, found) ? "hides" : "none";
}

function ofPath(rule: ComparisonRule, pattern: string, path: string, found: StoredPlace): Reach {
  if (isOfBytes(found) || isDeclared(found)) return "none";
  const seen = whereIs(pattern, path);
  if (seen === null) return "none";
  const reach = ofPlace(rule, seen.where, found);
  return reach === "hides" && !seen.isSure ? "may" : reach;
}

function ofPlace(rule: ComparisonRule, where: Where, found: StoredPlace): Reach {
  // Of a list in another order, or of an object of which nothing is equal, what stands in it decides.
  if (where === "below") return rule.severity === undefined && isOfMany(found) ? "may" : "none";
  if (rule.accept !== undefined) {
    if (where !== "at" || !isOfKind(rule, found)) return "none";
    return rule.accept === true ? "hides" : "may";
  }
  if (rule.ignore !== undefined) return where === "above" || isIgnored(rule.ignore, found) ? "hides" : "none";
  if (rule.severity !== undefined) return "none";
  // What pairs or compares a whole may settle what stands in it; of a thing that only one arm has there is nothing to compare.
  const isAlone = found.kind === "missing" || found.kind === "extra" || found.kind === "type";
  return where === "at" && isAlone ? "none" : "may";
}

function isIgnored(how: NonNullable<ComparisonRule["ignore"]>, { kind, control, candidate }: StoredPlace): boolean {
  if (how === "all") return true;
  if (kind === "missing" || kind === "extra") return false;
  return kind !== "type" || (how === "null-too" && (control === "null" || candidate === "null"));
}

const BYTES: ReadonlySet<string | null> = new Set(["bytes", "undecodable"]);

/** No rule of paths is asked about them. */
const isOfBytes = ({ control, candidate }: StoredPlace): boolean => BYTES.has(control) || BYTES.has(candidate);

/** What the application's check of single answers has found: no rule is asked about that either. */
const isDeclared = ({ kind, control, candidate }: StoredPlace): boolean =>
  kind === "type" && (control === candidate || control === "declared" || candidate === "declared");

const isOfMany = ({ control, candidate }: StoredPlace): boolean =>
  ["array", "object"].some((kind) => control?.startsWith(kind) === true && candidate?.startsWith(kind) === true);

/** A key that no pattern names. */
const SOME_KEY = "\u0000";

type Where = "at" | "above" | "below";

/** Of what the pattern names; null: elsewhere. A key that looks like somebody's is stored as `.*`: it may be any. */
function whereIs(pattern: string, path: string): { readonly where: Where; readonly isSure: boolean } | null {
  // Positions are not part of patterns; what stands in quotes is a key.
  const plain = path.replace(/\["(?:[^"\\]|\\.)*"\]|\[\d+\]/g, (part) => (part.startsWith('["') ? part : "[*]"));
  const steps = parsePattern(plain);
  const sure = whereOf(pattern, steps, SOME_KEY);
  if (sure !== null) return { where: sure, isSure: true };
  if (!steps.some(({ on }) => on === "any-key")) return null;
  for (const step of parsePattern(pattern)) {
    const where = step.on === "key" ? whereOf(pattern, steps, step.name) : null;
    if (where !== null) return { where, isSure: false };
  }
  return null;
}

function whereOf(pattern: string, path: ReturnType<typeof parsePattern>, unknown: string): Where | null {
  let place: Place<true> = createMatcher([{ pattern, value: true }]);
  let isAbove = false;
  for (const step of path) {
    isAbove ||= place.found.length > 0;
    place = step.on === "item" ? place.item() : place.key(step.on === "key" ? step.name : unknown);
  }
  if (place.found.length > 0) return "at";
  if (isAbove) return "above";
  return place.goesOn ? "below" : null;
}
