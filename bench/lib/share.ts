import type { Figure } from "./rows.ts";
import { median } from "./statistics.ts";

/** A process that takes less than this of its core was waiting for somebody. */
const BUSY = 0.85;

/**
 * Says where a figure does not tell what the contestant can do: it waited, for the upstream or for a machine whose
 * cores were all taken.
 */
export function bottlenecks(figures: ReadonlyMap<string, readonly Figure[]>, without: readonly string[]): string[] {
  const notes: string[] = [];
  for (const [name, rounds] of figures) {
    if (without.includes(name) || rounds.length === 0) continue;
    const own = median(rounds.map((figure) => figure.coresUsed));
    const upstream = median(rounds.map((figure) => figure.upstreamCoresUsed));
    if (own >= BUSY || own === 0) continue;
    const cause = upstream >= BUSY ? "the upstream was the bottleneck" : "the machine had no more to give";
    notes.push(
      `\`${name}\` used ${own.toFixed(2)} of a core, the upstream ${upstream.toFixed(2)}: ${cause}, so its throughput is understated; see the second table.`,
    );
  }
  return notes;
}
