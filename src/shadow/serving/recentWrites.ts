// Whose newest write the other arm may not have yet: the relay needs a moment (handoff §3), and a read there would differ for
// nothing (shadow W3).
import { LRUCache } from "lru-cache";
import type { Clock, UnitId } from "../../kernel/index.ts";

/** Well above the relay's lag under load. */
const WRITE_MS = 5_000;
const GROUPS_MAX = 50_000;

export class RecentWrites {
  readonly #groups: LRUCache<string, true>;

  constructor(clock: Clock) {
    const perf = { now: () => clock.monotonic() };
    this.#groups = new LRUCache({ max: GROUPS_MAX, ttl: WRITE_MS, perf, ttlResolution: 0 });
  }

  note(unit: UnitId, group: string): void {
    this.#groups.set(`${unit}\n${group}`, true);
  }

  isRecent(unit: UnitId, group: string): boolean {
    return this.#groups.has(`${unit}\n${group}`);
  }
}
