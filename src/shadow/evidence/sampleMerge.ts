// A fair few of what several runs have kept (shadow §4): each kept its own fair few, of more or fewer.
import { hash } from "node:crypto";
import { SAMPLES } from "./reservoir.ts";

export interface KeptSample {
  readonly process: string;
  readonly place: number;
  readonly group: string;
}

export interface KeptSamples<T extends KeptSample> {
  /** Of how many they were taken. */
  readonly offered: number;
  readonly samples: readonly T[];
}

/**
 * Had each of n samples drawn a number from 0 … 1, those with the lowest would be a fair few. The k that were kept of n have about
 * the numbers 1/n … k/n, in an order that is as good as any other; here it follows from what they are, so that the same evidence is
 * always read the same.
 */
export function mergeSamples<T extends KeptSample>(reservoirs: readonly KeptSamples<T>[]): readonly T[] {
  const [only, ...others] = reservoirs.filter(({ samples }) => samples.length > 0);
  // The usual case, and a report has two hundred of them: nothing is to be left out, so nothing has to be drawn.
  if (only === undefined || (others.length === 0 && isFew(only.samples))) return inPlace(only?.samples ?? []);
  const drawn = reservoirs.flatMap(({ offered, samples }) => {
    const total = Math.max(1, offered, samples.length);
    const shuffled = samples.map((one) => ({ one, ...luckOf(one) })).sort((a, b) => a.order - b.order);
    return shuffled.map(({ one, order, within }, at) => ({ one, order, number: (at + within) / total }));
  });
  drawn.sort((a, b) => a.number - b.number || a.order - b.order);
  const byGroup = new Map<string, number>();
  const kept: T[] = [];
  for (const { one } of drawn) {
    const known = byGroup.get(one.group) ?? 0;
    if (known >= SAMPLES.perGroup) continue;
    if (kept.push(one) >= SAMPLES.samples) break;
    byGroup.set(one.group, known + 1);
  }
  return inPlace(kept);
}

const inPlace = <T extends KeptSample>(samples: readonly T[]): readonly T[] =>
  samples.toSorted((a, b) => a.place - b.place || (a.process < b.process ? -1 : 1));

function isFew(samples: readonly KeptSample[]): boolean {
  if (samples.length > SAMPLES.samples) return false;
  const groups = Map.groupBy(samples, ({ group }) => group);
  return [...groups.values()].every(({ length }) => length <= SAMPLES.perGroup);
}

/** Two numbers of 0 … 1 that know nothing of each other. */
function luckOf({ process, place, group }: KeptSample): { readonly order: number; readonly within: number } {
  const digest = hash("sha256", JSON.stringify([process, place, group]), "buffer");
  return { order: digest.readUIntBE(0, 6) / 2 ** 48, within: digest.readUIntBE(6, 6) / 2 ** 48 };
}
