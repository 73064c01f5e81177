// Which rules hold where (shadow N4): by route, by message of a surface, and only as long as they live.
import { RouteRules, type ComparisonWords } from "../compare/exchange.ts";
import type { ReplyCheck } from "../compare/declared.ts";
import { namesOf, plainNameOf, type RouteName } from "./routeNames.ts";
import { type ComparisonRule, isLive } from "./rule.ts";

/** What the answers of some routes must look like. */
export interface RouteCheck {
  readonly on: readonly string[];
  readonly check: ReplyCheck;
}

/** Rules that end on a day are looked at so often. */
const LOOK_MS = 60_000;
/** Routes are those of a configuration: were there more, somebody would be inventing them. */
const ROUTES_MAX = 5_000;

export type { RouteName };

export class RuleBook {
  readonly #rules: readonly ComparisonRule[];
  readonly #checks: readonly RouteCheck[];
  readonly #words: ComparisonWords;
  readonly #now: () => number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #live: readonly ComparisonRule[] = [];
  readonly #routesMax: number;
  readonly #ofRoutes = new Map<string, RouteRules>();
  readonly #ofMessages = new Map<string, RouteRules>();
  /** Surfaces and types that rules speak of; all others are alike. */
  readonly #surfaces: ReadonlySet<string>;
  readonly #types: ReadonlySet<string>;
  #dropped = 0;
  #checkFailures = 0;

  /** @param checks of single routes, by the names that rules use @param now epoch ms @throws RangeError for a rule whose normaliser is unknown */
  constructor(
    rules: readonly ComparisonRule[],
    words: ComparisonWords,
    now: () => number,
    checks: readonly RouteCheck[] = [],
    routesMax: number = ROUTES_MAX,
  ) {
    this.#routesMax = routesMax;
    this.#surfaces = new Set(rules.flatMap(({ on }) => on));
    this.#types = new Set(rules.flatMap(({ message }) => message ?? []));
    this.#checks = checks;
    this.#rules = rules;
    this.#words = words;
    this.#now = now;
    const twice = rules.find(({ id }, at) => rules.findIndex((other) => other.id === id) !== at);
    if (twice !== undefined) throw new RangeError(`two rules are called ${twice.id}`);
    // Whatever is wrong with a rule is said when it is loaded, not when it is first needed.
    new RouteRules(rules, words);
  }

  /** Those that hold now. */
  get live(): readonly ComparisonRule[] {
    this.#look();
    return this.#live;
  }

  /** Rules whose day has passed: they hide nothing any more, and the report lists them. */
  get ended(): readonly ComparisonRule[] {
    return this.#rules.filter((rule) => !isLive(rule, this.#now()));
  }

  /** Times that the rules of a route were gathered and could not be kept: there are too many routes. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Times that a check of the application has thrown: what both arms say alike was not looked at. */
  get checkFailures(): number {
    return this.#checkFailures;
  }

  forRoute(route: RouteName): RouteRules {
    this.#look();
    let rules = this.#ofRoutes.get(route.id);
    if (rules === undefined) {
      const names = namesOf(route);
      const holding = this.#live.filter(
        ({ on, message }) => message === undefined && on.some((name) => names.has(plainNameOf(name))),
      );
      const check = this.#checks.find(({ on }) => on.some((name) => names.has(plainNameOf(name))))?.check ?? null;
      const reader = this.#words.readers?.find(({ on }) => on.some((name) => names.has(plainNameOf(name)))) ?? null;
      rules = new RouteRules(holding, this.#words, check, () => (this.#checkFailures += 1), reader);
      if (this.#ofRoutes.size < this.#routesMax) this.#ofRoutes.set(route.id, rules);
      else this.#dropped += 1;
    }
    return rules;
  }

  /** Of one type of message of a surface. */
  forMessage(surface: string, type: string): RouteRules {
    this.#look();
    // Types come from the arms: one that invents them must not fill the memory, nor have rules gathered for each.
    const name = JSON.stringify([this.#surfaces.has(surface) ? surface : null, this.#types.has(type) ? type : null]);
    let rules = this.#ofMessages.get(name);
    if (rules === undefined) {
      const holding = this.#live.filter(
        ({ on, message }) => (on.includes("*") || on.includes(surface)) && (message === undefined || message === type),
      );
      rules = new RouteRules(holding, this.#words);
      this.#ofMessages.set(name, rules);
    }
    return rules;
  }

  #look(): void {
    const nowMs = this.#now();
    if (nowMs - this.#lookedAtMs < LOOK_MS) return;
    this.#lookedAtMs = nowMs;
    const live = this.#rules.filter((rule) => isLive(rule, nowMs));
    if (live.length === this.#live.length && this.#ofRoutes.size > 0) return;
    this.#live = live;
    this.#ofRoutes.clear();
    this.#ofMessages.clear();
  }
}
