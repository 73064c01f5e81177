// What was sampled and not copied, for the evidence: gathered, for under pressure and behind an open circuit it is nearly every call.
import type { Clock, RouteId } from "../../kernel/index.ts";
import type { CompareItem } from "../threads/messages.ts";
import type { NotComparedReason } from "../words.ts";

const WAIT_MS = 100;

type Skipped = Extract<CompareItem, { kind: "skipped" }>;
type Counted = { -readonly [Key in keyof Skipped]: Skipped[Key] };

export class Skips {
  readonly #clock: Clock;
  readonly #tell: (item: Skipped) => void;
  /** By route and reason: both are closed sets. A name of both would have to be made for every call. */
  readonly #waiting = new Map<RouteId, Map<NotComparedReason, Counted>>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, tell: (item: Skipped) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(route: RouteId, reason: NotComparedReason): void {
    let reasons = this.#waiting.get(route);
    if (reasons === undefined) this.#waiting.set(route, (reasons = new Map<NotComparedReason, Counted>()));
    const known = reasons.get(reason);
    if (known !== undefined) known.count += 1;
    else reasons.set(reason, { kind: "skipped", route, reason, atMs: this.#clock.now(), count: 1 });
    this.#cancel ??= this.#clock.after(WAIT_MS, () => this.flush());
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = null;
    for (const reasons of this.#waiting.values()) for (const item of reasons.values()) this.#tell(item);
    this.#waiting.clear();
  }
}
