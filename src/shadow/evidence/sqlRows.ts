// Between rows of tables and what they mean.
import { hash } from "node:crypto";
import type { FamilyPart, RouteTotals, StoredSample } from "./model.ts";
import { type KeptSample, mergeSamples } from "./sampleMerge.ts";
import type { SqlRow, SqlValue } from "./sqlDatabase.ts";

/** In tables, for a family's name. */
export const familyId = (name: string): string => hash("sha256", name, "hex").slice(0, 32);

export const textOf = (row: SqlRow, column: string): string => String(row[column]);

/** Of a column `route` and one `counts`. */
export const countsOf = (row: SqlRow): RouteTotals => ({
  route: textOf(row, "route"),
  ...(JSON.parse(textOf(row, "counts")) as Omit<RouteTotals, "route">),
});

export const partOf = (row: SqlRow): FamilyPart => JSON.parse(textOf(row, "facts")) as FamilyPart;

export const FAMILY_KEYS = ["campaign", "family", "process"] as const;
export const FAMILY_COLUMNS = ["state", "last_seen_ms", "facts"] as const;

export function familyValues(campaign: string, process: string, part: FamilyPart): readonly SqlValue[] {
  return [campaign, familyId(part.name), process, part.state, part.lastSeenMs, JSON.stringify(part)];
}

/** One family's: the reservoir of each run that has a row of its own, and that of all that are over. */
export function mergedSamples<T extends KeptSample>(
  samples: readonly T[],
  parts: readonly { readonly process: string; readonly part: FamilyPart }[],
): readonly T[] {
  const offered = new Map(parts.map(({ process, part }) => [process, part.memory.offered]));
  const reservoirs = new Map<string, T[]>();
  for (const one of samples) {
    const name = offered.has(one.process) ? one.process : "";
    const known = reservoirs.get(name);
    if (known === undefined) reservoirs.set(name, [one]);
    else known.push(one);
  }
  return mergeSamples([...reservoirs].map(([name, kept]) => ({ offered: offered.get(name) ?? 0, samples: kept })));
}

export const keptOf = (row: SqlRow): KeptSample => ({
  process: textOf(row, "process"),
  place: Number(row["place"]),
  group: textOf(row, "group"),
});

export const sampleOf = (family: string, row: SqlRow): StoredSample => ({
  ...keptOf(row),
  family,
  atMs: Number(row["at_ms"]),
  body: JSON.parse(textOf(row, "body")) as unknown,
});
