// The units of the configuration with their rules and their evidence, as the compare thread has them.
import type { Arm, Clock, RouteId, UnitId } from "../../kernel/index.ts";
import { hashOfRules } from "../campaign.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { ShadowApplication } from "../ports.ts";
import { applicationRules } from "../rules/applicationRules.ts";
import { RuleBook } from "../rules/ruleBook.ts";
import { readDocumentBody } from "../yjs/readDocument.ts";
import type { UnitRules } from "./talk.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { type EvidenceOptions, UnitEvidence } from "./unitEvidence.ts";

export interface UnitsOptions extends Omit<EvidenceOptions, "unit" | "isLearningIds"> {
  readonly clock: Clock;
  readonly application: ShadowApplication;
}

interface Book {
  readonly rules: RuleBook;
  readonly hash: string;
  readonly isPlain: boolean;
}

export class Units {
  readonly #options: UnitsOptions;
  readonly #units = new Map<UnitId, UnitEvidence>();
  readonly #builds: Partial<Record<Arm, string>> = {};
  #settings: ShadowSettings | null = null;
  #books: Readonly<Record<"own" | "plain", Book>> | null = null;

  constructor(options: UnitsOptions) {
    this.#options = options;
  }

  get all(): ReadonlyMap<UnitId, UnitEvidence> {
    return this.#units;
  }

  /** @throws RangeError for a rule that cannot be used; what was in force stays */
  configure(settings: ShadowSettings): void {
    const { application, clock } = this.#options;
    const readers = [...application.documents.values()].map((shape) => ({
      on: shape.bodies ?? [],
      read: (bytes: Uint8Array) => readDocumentBody(bytes, shape, clock.now()),
    }));
    const { statusClass } = application;
    const words = { normalisers: { ...NORMALISERS, ...application.normalisers }, statusClass, readers };
    const bookOf = (isPlain: boolean): Book => {
      const isLive = settings.cassette?.isLive === true;
      const all = [...(isPlain ? [] : applicationRules(application, isLive)), ...settings.rules];
      const checks = isPlain ? [] : application.checks;
      return { rules: new RuleBook(all, words, () => clock.now(), checks), hash: hashOfRules(all), isPlain };
    };
    const books = (this.#books = { own: bookOf(false), plain: bookOf(true) });
    this.#settings = settings;
    const plain = new Map([...settings.plans.values()].map(({ unit, isPlain }) => [unit, isPlain]));
    for (const [unit, isPlain] of plain) {
      const book = isPlain ? books.plain : books.own;
      const known = this.#units.get(unit);
      if (known !== undefined) known.setRules(book.rules, book.hash);
      else this.#units.set(unit, this.#unit(unit, settings, book));
    }
    const redacted = [...settings.plans.values()].filter(({ bodies }) => bodies === "redacted").map(({ id }) => id);
    for (const unit of this.#units.values()) unit.setRedacted(new Set(redacted));
  }

  setBuilds(builds: Partial<Readonly<Record<Arm, string>>>): void {
    for (const arm of ["control", "candidate"] as const) {
      const build = builds[arm];
      if (build === undefined) continue;
      this.#builds[arm] = build;
      for (const unit of this.#units.values()) unit.setBuild(arm, build);
    }
  }

  /** Null: the configuration does not know the route. */
  rulesOf(route: RouteId): UnitRules | null {
    const plan = this.#settings?.plans.get(route);
    const unit = plan === undefined ? undefined : this.#units.get(plan.unit);
    const rules = plan === undefined ? undefined : this.#books?.[plan.isPlain ? "plain" : "own"].rules;
    return plan === undefined || unit === undefined || rules === undefined ? null : { plan, unit, rules };
  }

  #unit(unit: UnitId, settings: ShadowSettings, { rules, hash, isPlain }: Book): UnitEvidence {
    const isUsual = !isPlain && this.#options.application.identity.mode === "learnt";
    const isLearningIds = settings.isLearningIds ?? isUsual;
    const made = new UnitEvidence({ ...this.#options, unit, isLearningIds }, rules, hash);
    for (const arm of ["control", "candidate"] as const) {
      const build = this.#builds[arm];
      if (build !== undefined) made.setBuild(arm, build);
    }
    return made;
  }
}
