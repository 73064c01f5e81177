import { EventEmitter } from "node:events";
import { type Context, Strategy, Unleash } from "unleash-client";
import type { ClientFeatures, FeatureDefinition, SegmentDefinition } from "./ports.ts";
import { hashOf, isInCohort } from "./rank.ts";

type Repository = NonNullable<ConstructorParameters<typeof Unleash>[0]["repository"]>;
type Feature = NonNullable<ReturnType<Repository["getToggle"]>>;
type Segment = NonNullable<ReturnType<Repository["getSegment"]>>;
type Parameters = Readonly<Record<string, string>> | undefined;

/** Flags and segments ready to be asked. Maps, because a flag may be called `__proto__` (security J8). */
export interface Snapshot {
  readonly features: Map<string, FeatureDefinition>;
  readonly segments: ReadonlyMap<number, SegmentDefinition>;
}

export function snapshotOf(data: ClientFeatures | null): Snapshot {
  return {
    features: new Map((data?.features ?? []).map((feature) => [feature.name, feature])),
    segments: new Map((data?.segments ?? []).map((segment) => [segment.id, segment])),
  };
}

/** The one place that knows the SDK: evaluation without network, metrics, timers or files. */
export interface Engine {
  isEnabled(snapshot: Snapshot, flag: string, context: Context): boolean;
  variant(snapshot: Snapshot, flag: string, context: Context): ReturnType<Unleash["getVariant"]>;
  /** Evaluations the SDK broke off with an exception; each counted as *off*. */
  readonly failures: number;
}

/** The id a share is drawn by. Undefined: nothing stable, then only a share of everyone is certain. */
function stableId(stickiness: string | undefined, context: Context): string | undefined {
  if (stickiness === "random") return undefined;
  if (stickiness === undefined || stickiness === "" || stickiness === "default") {
    return context.userId || context.sessionId || undefined;
  }
  const value =
    (context as Readonly<Record<string, string | undefined>>)[stickiness] ?? context.properties?.[stickiness];
  return String(value ?? "");
}

/**
 * Replaces the built-in of the same name, which serves nobody below 1 % and cuts 12.5 to 12 (Unleash#7650, #8914).
 * Never draws a random number: without a stable id a partial share is *off* (unleash#3536, unleash-dotnet#144).
 */
class FlexibleRollout extends Strategy {
  constructor() {
    super("flexibleRollout");
  }
  override isEnabled(given: unknown, context: Context): boolean {
    const parameters = given as Parameters;
    const percent = Number(parameters?.rollout);
    if (!(percent > 0)) return false;
    const id = stableId(parameters?.stickiness, context);
    if (id === undefined) return percent >= 100;
    if (id === "") return false;
    const groupId = parameters?.groupId || (context as { readonly featureToggle?: string }).featureToggle || "";
    return isInCohort(hashOf(groupId, id), percent);
  }
}

/** The old random share, without the dice: everyone or nobody. */
class GradualRolloutRandom extends Strategy {
  constructor() {
    super("gradualRolloutRandom");
  }
  override isEnabled(parameters: unknown): boolean {
    return Number((parameters as Parameters)?.percentage) >= 100;
  }
}

/** Hands the SDK whichever snapshot is being asked; evaluation is synchronous, so one holder serves all states. */
class MemoryRepository extends EventEmitter implements Repository {
  current: Snapshot = snapshotOf(null);

  getToggle(name: string): Feature | undefined {
    return this.current.features.get(name) as Feature | undefined;
  }
  getToggles(): Feature[] {
    return [...this.current.features.values()] as unknown as Feature[];
  }
  getTogglesWithSegmentData(): ReturnType<Repository["getTogglesWithSegmentData"]> {
    return [];
  }
  getSegment(id: number): Segment | undefined {
    return this.current.segments.get(id) as Segment | undefined;
  }
  async start(): Promise<void> {}
  stop(): void {}
}

export function createEngine(): Engine {
  const repository = new MemoryRepository();
  let failures = 0;
  const unleash = new Unleash({
    appName: "switchyard",
    url: "http://127.0.0.1:0/never-contacted",
    repository,
    strategies: [new FlexibleRollout(), new GradualRolloutRandom()],
    disableMetrics: true,
    disableAutoStart: true,
    skipInstanceCountWarning: true,
    metricsInterval: 0,
    refreshInterval: 0,
  });
  // Without a listener the SDK prints to the console.
  unleash.on("error", () => void failures++);
  repository.emit("ready");

  /** The SDK throws on some malformed constraints; any doubt goes to control. */
  const ask = <T>(snapshot: Snapshot, question: () => T, whenBroken: () => T): T => {
    repository.current = snapshot;
    try {
      return question();
    } catch {
      failures++;
      return whenBroken();
    }
  };
  const off = { name: "disabled", enabled: false, feature_enabled: false, featureEnabled: false };

  return {
    isEnabled: (snapshot, flag, context) =>
      ask(
        snapshot,
        () => unleash.isEnabled(flag, context, false),
        () => false,
      ),
    variant: (snapshot, flag, context) =>
      ask(
        snapshot,
        () => unleash.getVariant(flag, context),
        () => off,
      ),
    get failures() {
      return failures;
    },
  };
}
