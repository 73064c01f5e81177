import type { Subject } from "../kernel/index.ts";
import type { Verdict } from "./decide.ts";
import { createEngine, type Engine, type Snapshot, snapshotOf } from "./engine.ts";
import type { ClientFeatures, FeatureDefinition, StrategyDefinition } from "./ports.ts";
import { rankOf } from "./rank.ts";
import { readUnitFlag } from "./validate.ts";

/** Verdicts remembered per flag; about 4 MB at the limit. */
export const VERDICTS_MAX = 20_000;

interface CompiledFlag {
  readonly percent: number;
  /** The answer depends on the time of day: nothing is remembered. */
  readonly isTimed: boolean;
  readonly verdicts: Verdicts;
}

/** One document, ready to be asked by any unit; shared by every state that carries the same document. */
export interface CompiledFlags {
  percentOf(flag: string): number;
  verdict(flag: string, subject: Subject, nowMs: number): Verdict;
  /** Remembered verdicts that made room for newer ones. */
  readonly evicted: number;
}

/**
 * Two generations: when the younger is full, the elder is dropped whole. Taking the oldest entry out of one map would
 * cost more than the evaluation it saves, since a map walks over the holes that earlier removals left at its front.
 */
class Verdicts {
  #young = new Map<Subject, Verdict>();
  #elder = new Map<Subject, Verdict>();
  evicted = 0;

  get(subject: Subject): Verdict | undefined {
    return this.#young.get(subject) ?? this.#elder.get(subject);
  }
  set(subject: Subject, verdict: Verdict): void {
    if (this.#young.size >= VERDICTS_MAX / 2) {
      this.evicted += this.#elder.size;
      this.#elder = this.#young;
      this.#young = new Map();
    }
    this.#young.set(subject, verdict);
  }
}

/** One for the process: evaluation is synchronous and without memory. */
let sharedEngine: Engine | null = null;
const engine = (): Engine => (sharedEngine ??= createEngine());

const isTimed = (list: readonly unknown[] | undefined): boolean =>
  (list ?? []).some((constraint) =>
    String((constraint as { operator?: unknown } | null)?.operator).startsWith("DATE_"),
  );

function strategyPercent({ name, parameters }: StrategyDefinition): number {
  if (name === "default") return 100;
  if (name === "flexibleRollout") return Number(parameters?.rollout ?? 0);
  return name === "gradualRolloutUserId" ? Number(parameters?.percentage ?? 0) || 0 : 0;
}

function isAnyTimed(feature: FeatureDefinition, snapshot: Snapshot, depth = 0): boolean {
  const parents = (feature.dependencies ?? []) as readonly { readonly feature: string }[];
  return (
    (feature.strategies ?? []).some(
      ({ constraints, segments }) =>
        isTimed(constraints) || (segments ?? []).some((id) => isTimed(snapshot.segments.get(id)?.constraints)),
    ) ||
    // The SDK refuses parents that have parents themselves: one level is all there is.
    (depth === 0 &&
      parents.some((parent) => {
        const definition = snapshot.features.get(parent.feature);
        return definition !== undefined && isAnyTimed(definition, snapshot, 1);
      }))
  );
}

/** A unit flag that is missing or unusable is taken out of the snapshot, so the engine cannot call it *on*. */
function compileFlag(flag: string, snapshot: Snapshot): CompiledFlag {
  const feature = snapshot.features.get(flag);
  const read = feature ? readUnitFlag(feature) : { problem: "missing" };
  if ("problem" in read) {
    snapshot.features.delete(flag);
    return { percent: 0, isTimed: false, verdicts: new Verdicts() };
  }
  snapshot.features.set(flag, read.value);
  const shares = read.value.enabled ? (read.value.strategies ?? []).map(strategyPercent) : [];
  return { percent: Math.max(0, ...shares), isTimed: isAnyTimed(read.value, snapshot), verdicts: new Verdicts() };
}

function compile(data: ClientFeatures | null): CompiledFlags {
  const snapshot = snapshotOf(data);
  const flags = new Map<string, CompiledFlag>();

  const flagOf = (name: string): CompiledFlag => {
    let flag = flags.get(name);
    if (!flag) flags.set(name, (flag = compileFlag(name, snapshot)));
    return flag;
  };
  const ask = (name: string, subject: Subject, nowMs: number): Verdict => ({
    isOn: engine().isEnabled(snapshot, name, { userId: subject, currentTime: new Date(nowMs) }),
    rank: rankOf(subject),
  });
  return {
    percentOf: (name) => flagOf(name).percent,
    verdict(name, subject, nowMs) {
      const flag = flagOf(name);
      const known = flag.verdicts.get(subject);
      if (known) return known;
      const verdict = ask(name, subject, nowMs);
      if (flag.isTimed) return verdict;
      flag.verdicts.set(subject, verdict);
      return verdict;
    },
    get evicted() {
      return [...flags.values()].reduce((sum, { verdicts }) => sum + verdicts.evicted, 0);
    },
  };
}

const compiled = new WeakMap<ClientFeatures, CompiledFlags>();
const NOTHING = compile(null);

/** Compiles a document once, however many states carry it: a kill or a pin costs no recompilation. */
export function compileFlags(data: ClientFeatures | null): CompiledFlags {
  if (data === null) return NOTHING;
  let flags = compiled.get(data);
  if (!flags) compiled.set(data, (flags = compile(data)));
  return flags;
}
