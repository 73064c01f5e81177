// What a compare thread that is new cannot know (shadow I13): what was lost with the one before and while there was none, so that
// reports say how much of what was sampled they speak of; and which groups have gone apart.
import type { RouteId, UnitId } from "../../kernel/index.ts";
import type { CompareItem, Missed } from "../threads/messages.ts";
import type { NotComparedReason } from "../words.ts";

/** Routes × minutes × reasons; of more than these minutes are not told apart. */
const LOSSES_MAX = 5_000;
/** Groups that are never seeded, and stay apart until a new build. */
const DIVERGED_MAX = 20_000;
const MINUTE_MS = 60_000;

type Loss = Missed["losses"][number];

export class MissedByCompare {
  readonly #onDrop: () => void;
  #losses = new Map<string, Loss>();
  /** Unit and group; the oldest first. */
  readonly #diverged = new Map<string, readonly [UnitId, string]>();

  /** @param onDrop a group that was remembered is not any more */
  constructor(onDrop: () => void) {
    this.#onDrop = onDrop;
  }

  lost(route: RouteId, reason: NotComparedReason, atMs: number, count = 1): void {
    const minute = `${Math.floor(atMs / MINUTE_MS)} ${reason} ${route}`;
    const isFull = this.#losses.size >= LOSSES_MAX && !this.#losses.has(minute);
    const name = isFull ? `${reason} ${route}` : minute;
    const known = this.#losses.get(name);
    this.#losses.set(name, { route, reason, atMs: known?.atMs ?? atMs, count: (known?.count ?? 0) + count });
  }

  /** Nobody was there to take them; of what else there was the jobs were open, and are lost as those. */
  untaken(items: readonly CompareItem[]): void {
    for (const item of items) {
      if (item.kind === "skip") this.lost(item.route, item.reason, item.atMs);
      else if (item.kind === "skipped") this.lost(item.route, item.reason, item.atMs, item.count);
    }
  }

  diverged(unit: UnitId, group: string): void {
    this.#diverged.set(`${unit}\n${group}`, [unit, group]);
    const [oldest] = this.#diverged.keys();
    if (this.#diverged.size <= DIVERGED_MAX || oldest === undefined) return;
    this.#diverged.delete(oldest);
    this.#onDrop();
  }

  /** It has its state anew. */
  seeded(unit: UnitId, group: string): void {
    this.#diverged.delete(`${unit}\n${group}`);
  }

  /** Another build: what its target holds is not known to be what it was (shadow J5). */
  forgetDiverged(): void {
    this.#diverged.clear();
  }

  /** For a new thread. Losses are told once, groups to each. */
  take(): Missed {
    const losses = [...this.#losses.values()];
    this.#losses = new Map();
    return { losses, diverged: [...this.#diverged.values()] };
  }
}
