// The verdict of an exchange whose arm at the shadow asked its model for something else (shadow K3, contract differences.md §7): the
// request is the cause, and whatever its answer looks like is a consequence.
import type { Arm } from "../../kernel/index.ts";
import type { CassetteMiss, MissReason, RequestDifference } from "../cassette/ports.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import { isDataKey } from "../compare/valueClass.ts";
import type { Verdict } from "../verdict.ts";
import type { DifferenceKind, NotComparedReason } from "../words.ts";

const AT = "model.request";
/** A request that is there on one side only. */
const WHOLE = "request";
/** As many as a cassette tells. */
const DIFFERENCES_MAX = 20;

/** A limit of the cassette is no difference of the arms (ADR 17): what the arm was told by the model was not mirrored. */
const LIMITS: Readonly<Partial<Record<MissReason, NotComparedReason>>> = {
  too_large: "body_too_large",
  indivisible: "external",
  budget: "budget",
};

/** What its arm was told by a model may be why, also where a rule accepts what came of it. */
export const isApart = ({ name }: Verdict): boolean => name === "different" || name === "accepted";

/** @param misses that belong to it, the first one first: those behind it follow from it */
export function withModelRequest(verdict: Verdict, misses: readonly CassetteMiss[], shadow: Arm): Verdict {
  const isCompared = "differences" in verdict || verdict.name === "identical";
  if (!isCompared) return verdict;
  for (const miss of misses) {
    const limit = LIMITS[miss.reason];
    if (limit === undefined) {
      const differences = differencesOf(miss, shadow);
      return { name: "different", severity: "breaking", differences, normalisers: [], notes: [] };
    }
    if (isApart(verdict)) return { name: "not_compared", reason: limit };
  }
  return verdict;
}

/** Reads control → candidate, whoever was served; of a request that nobody has recorded it is the whole. */
function differencesOf({ nearest }: CassetteMiss, shadow: Arm): readonly FoundDifference[] {
  if (nearest === null)
    return [difference({ path: "", kind: "extra", recorded: null, asked: WHOLE, count: 1 }, shadow)];
  const { differences } = nearest;
  // Two requests that the reader of their differences finds equal still have two keys.
  if (differences.length === 0) {
    return [difference({ path: "", kind: "value", recorded: WHOLE, asked: WHOLE, count: 1 }, shadow)];
  }
  const found = new Map<string, FoundDifference>();
  for (const one of differences.slice(0, DIFFERENCES_MAX)) {
    const told = difference(one, shadow);
    const name = [told.template, told.kind, told.control, told.candidate].join("\n");
    const known = found.get(name);
    found.set(name, known === undefined ? told : { ...known, count: known.count + told.count });
  }
  return [...found.values()];
}

const MIRRORED: Readonly<Partial<Record<DifferenceKind, DifferenceKind>>> = { missing: "extra", extra: "missing" };

function difference({ path, kind, recorded, asked, count }: RequestDifference, shadow: Arm): FoundDifference {
  const isCandidate = shadow === "candidate";
  return {
    template: path === "" ? AT : `${AT} ${templateOf(path)}`,
    path: path === "" ? AT : `${AT} ${path}`,
    kind: isCandidate ? kind : (MIRRORED[kind] ?? kind),
    severity: "breaking",
    control: isCandidate ? recorded : asked,
    candidate: isCandidate ? asked : recorded,
    count,
    acceptedBy: null,
  };
}

/** Positions and keys that are data are left out, as of every family. */
const templateOf = (path: string): string =>
  path.replace(/\[\d+\]/g, "[*]").replace(/\.([^.[\]]+)/g, (step, key: string) => (isDataKey(key) ? ".*" : step));
