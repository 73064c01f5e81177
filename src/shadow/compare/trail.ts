// What a walk over two bodies has found so far, so that a try can be taken back with all that was found in it.
import { FoundDifferences, type Mark } from "./foundDifferences.ts";
import type { Meetings } from "./meetings.ts";

export interface TrailMark {
  readonly found: Mark;
  readonly normalisers: number;
  readonly hits: number;
  readonly met: number;
}

export class Trail {
  readonly found = new FoundDifferences();
  readonly meetings: Meetings | null;
  readonly #normalisers: string[] = [];
  readonly #hits: string[] = [];

  constructor(meetings: Meetings | null) {
    this.meetings = meetings;
  }

  get normalisers(): ReadonlySet<string> {
    return new Set(this.#normalisers);
  }

  /** By id of the rule. */
  get ruleHits(): ReadonlyMap<string, number> {
    const hits = new Map<string, number>();
    for (const id of this.#hits) hits.set(id, (hits.get(id) ?? 0) + 1);
    return hits;
  }

  normalise(name: string): void {
    this.#normalisers.push(name);
  }

  hit(rule: string): void {
    this.#hits.push(rule);
  }

  mark(): TrailMark {
    const { found, meetings } = this;
    return {
      found: found.mark(),
      normalisers: this.#normalisers.length,
      hits: this.#hits.length,
      met: meetings?.mark() ?? 0,
    };
  }

  backTo({ found, normalisers, hits, met }: TrailMark): void {
    this.found.backTo(found);
    this.#normalisers.length = normalisers;
    this.#hits.length = hits;
    this.meetings?.takeBack(met);
  }
}
