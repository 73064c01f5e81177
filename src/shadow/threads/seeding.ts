// What the compare thread does with groups at rest (shadow J1, J3): seeds them, and tells what a check of both stores has found.
import { type Arm, ARMS, type Clock, otherArm } from "../../kernel/index.ts";
import type { StateCarrier } from "../../continuity/ports.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { GroupWish } from "../serving/groups.ts";
import type { ListWish } from "../serving/seedAhead.ts";
import { type Verdict, verdictOf } from "../verdict.ts";
import type { CarrierFactory } from "./compareThread.ts";
import type { Comparer } from "./comparer.ts";
import { extraItem } from "./endedItems.ts";
import type { EndedItem, FromCompare } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { Seeder, type StateFinding } from "./seeder.ts";

export interface SeedingOptions {
  readonly clock: Clock;
  readonly comparer: Comparer;
  readonly createCarrier: CarrierFactory | null;
  /** Sections of state in which words of models are kept. */
  readonly modelSections: readonly string[];
  tell(message: FromCompare): void;
  onEnded(item: EndedItem): void;
}

/** A failure that repeats is told of once a minute. */
const QUIET_MS = 60_000;
const LIST_MS = 30_000;
/** Of one answer; the rest is asked for behind its last one. */
const LIST_MAX = 1_000;

export class Seeding {
  readonly #options: SeedingOptions;
  readonly #seeder: Seeder;
  /** By the arm that serves. */
  #carriers: Readonly<Record<Arm, StateCarrier | null>> = { control: null, candidate: null };
  /** Where live models have written. */
  #leftOut: ReadonlySet<string> = new Set();
  #toldAtMs = Number.NEGATIVE_INFINITY;
  readonly #stopped = new AbortController();

  constructor(options: SeedingOptions) {
    const { clock, comparer, tell } = options;
    this.#options = options;
    this.#seeder = new Seeder({
      clock,
      leftOut: () => this.#leftOut,
      carrierFor: (served) => this.#carriers[served],
      isBusy: ({ unit, group }) => comparer.conversations.isBusy(unit, group),
      lastWriteMs: ({ unit, group }) => comparer.units.get(unit)?.lastWriteMs(group) ?? 0,
      onLater: ({ kind, wish }) => tell({ type: kind === "check" ? "check-put-off" : "seed-failed", wish }),
      onSeeded: (wish) => {
        comparer.units.get(wish.unit)?.forget(wish.group);
        tell({ type: "seeded", wish });
      },
      onFailed: (wish, why) => {
        tell({ type: "seed-failed", wish });
        this.#failed(wish, why);
      },
      onChecked: (wish, result) => {
        if (result.kind === "equal") this.#checked(wish, { name: "identical" });
        else if (result.kind === "different") this.#checked(wish, verdictOfState(result.findings));
      },
    });
  }

  configure(settings: ShadowSettings): void {
    const { createCarrier, modelSections } = this.#options;
    const { arms, seeds, cassette } = settings;
    this.#leftOut = new Set(cassette?.isLive === true ? modelSections : []);
    const carrier = (served: Arm): StateCarrier | null => {
      const target: Arm = otherArm(served);
      const at = arms[target].target;
      const token = seeds?.targetTokens[target] ?? null;
      if (createCarrier === null || seeds === null || at === null || token === null) return null;
      const urls = { [served]: arms[served].serving, [target]: [at.origin] } as Record<Arm, readonly string[]>;
      const tokens = { [served]: seeds.servingToken, [target]: token } as Record<Arm, string>;
      return createCarrier({ urls, tokens, target });
    };
    this.#carriers = Object.fromEntries(ARMS.map((arm) => [arm, carrier(arm)])) as Record<Arm, StateCarrier | null>;
  }

  seed(wish: GroupWish): void {
    this.#seeder.seed(wish);
  }

  check(wish: GroupWish): void {
    this.#seeder.check(wish);
  }

  /** Whom the arm knows behind the last one of before (shadow J1). */
  async list(wish: ListWish): Promise<void> {
    const { tell } = this.#options;
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(LIST_MS)]);
    try {
      // Without a way to a target nobody can be seeded.
      const subjects = (await this.#carriers[wish.arm]?.subjects(wish.arm, wish.after, signal)) ?? [];
      tell({ type: "listed", wish, subjects: subjects.slice(0, LIST_MAX) });
    } catch {
      tell({ type: "listed", wish, subjects: null });
    }
  }

  stop(): void {
    this.#stopped.abort();
    this.#seeder.stop();
  }

  #checked({ unit, group, served }: GroupWish, verdict: Verdict): void {
    const { comparer, clock, tell, onEnded } = this.#options;
    const of = comparer.units.get(unit);
    if (of === undefined) return;
    const shadow: Arm = otherArm(served);
    const id = `STATE ${unit}`;
    const facts = { group, shadow, changesState: true, delayMs: 0, atMs: clock.now() };
    const judged = of.add({ id, methods: [], paths: [] }, facts, verdict);
    if (judged === null) return;
    onEnded(extraItem(id, unit, judged));
    const told = judged.name === "identical" || judged.name === "different" ? judged.name : "diverged";
    tell({ type: "checked", unit, verdict: told });
    if (of.isDiverged(group)) tell({ type: "diverged", unit, group });
  }

  #failed({ unit }: GroupWish, why: string): void {
    const { clock, tell } = this.#options;
    if (clock.monotonic() - this.#toldAtMs < QUIET_MS) return;
    this.#toldAtMs = clock.monotonic();
    tell({ type: "event", event: "shadow.seed.failed", level: "warn", fields: { unit, why } });
  }
}

/** One difference a section; which rows stays with whoever looks at both stores (shadow J3). */
function verdictOfState(findings: readonly StateFinding[]): Verdict {
  const differences = findings.map(
    ({ section, keys }): FoundDifference => ({
      template: `$.${section}`,
      path: `$.${section}`,
      kind: "value",
      severity: "breaking",
      control: "rows",
      candidate: "rows",
      count: Math.max(1, keys.length),
      acceptedBy: null,
    }),
  );
  return verdictOf({ differences, normalisers: [], notes: [] });
}
