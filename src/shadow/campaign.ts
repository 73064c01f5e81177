// A campaign is one series of evidence (shadow, terms): the same unit, the same builds, the same rules. Any of them changes, and
// another one begins, with counters at 0.
import { hash } from "node:crypto";
import type { Arm, UnitId } from "../kernel/index.ts";
import type { CampaignRow } from "./evidence/model.ts";
import type { ComparisonRule } from "./rules/rule.ts";

/** Which build of each arm is compared; "" until it could be read. */
export type Builds = Readonly<Record<Arm, string>>;

const short = (text: string): string => hash("sha256", text, "hex").slice(0, 16);

/** Of the rules as they are, whatever their order and that of their keys. */
export function hashOfRules(rules: readonly ComparisonRule[]): string {
  const texts = rules.map((rule) =>
    JSON.stringify(Object.entries(rule).sort(([one], [other]) => (one < other ? -1 : 1))),
  );
  return short(texts.sort().join("\n"));
}

export interface CampaignFacts {
  readonly unit: UnitId;
  readonly builds: Builds;
  readonly rulesHash: string;
}

/** The same facts are the same campaign, on every process and after every restart. */
export const campaignId = ({ unit, builds, rulesHash }: CampaignFacts): string =>
  short(JSON.stringify([unit, builds.control, builds.candidate, rulesHash]));

/** Of one unit: which campaign runs, as builds come and go. */
export class CampaignKeeper {
  readonly #unit: UnitId;
  readonly #now: () => number;
  #builds: Builds = { control: "", candidate: "" };
  #rulesHash: string;
  #current: CampaignRow | null = null;

  /** @param now epoch ms */
  constructor(unit: UnitId, rulesHash: string, now: () => number) {
    this.#unit = unit;
    this.#rulesHash = rulesHash;
    this.#now = now;
  }

  /** Null until both builds are known: evidence of nobody knows what is worth nothing. */
  get current(): CampaignRow | null {
    return this.#current;
  }

  /** @param build null: it could not be read, and the last known one stays. Gives whether another campaign has begun. */
  setBuild(arm: Arm, build: string | null): boolean {
    if (build === null || build === this.#builds[arm]) return false;
    this.#builds = { ...this.#builds, [arm]: build };
    return this.#renew();
  }

  setRules(rulesHash: string): boolean {
    this.#rulesHash = rulesHash;
    return this.#renew();
  }

  #renew(): boolean {
    const [unit, builds, rulesHash] = [this.#unit, this.#builds, this.#rulesHash];
    if (builds.control === "" || builds.candidate === "") return false;
    const id = campaignId({ unit, builds, rulesHash });
    if (id === this.#current?.id) return false;
    const { control: controlBuild, candidate: candidateBuild } = builds;
    this.#current = { id, unit, controlBuild, candidateBuild, rulesHash, startedMs: this.#now() };
    return true;
  }
}

const LINE_CHARS_MAX = 4_096;
/** Longer texts are no names of builds. */
const BUILD_CHARS_MAX = 128;

/**
 * The value of a label in the Prometheus text format (OpenMetrics' `info` pattern): `version` of `ai_tutor_build_info`.
 * @returns null when it is not there
 */
export function buildOf(metrics: string, name: string, label: string): string | null {
  for (const line of metrics.split("\n")) {
    if (!line.startsWith(`${name}{`) || line.length > LINE_CHARS_MAX) continue;
    for (const [, key, value = ""] of line.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
      if (key !== label) continue;
      const build = value.replace(/\\(.)/g, (_, mark: string) => (mark === "n" ? "\n" : mark));
      return build !== "" && build.length <= BUILD_CHARS_MAX ? build : null;
    }
  }
  return null;
}
