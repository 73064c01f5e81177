// The platform with everything of the shadow, as lessons need it: sandbox for tutoring, seeds, and the metrics added up by labels.
import { type ShadowWorld, type ShadowWorldOptions, startShadowWorld } from "../support/index.ts";
import { parseSamples, type Samples } from "./metricSamples.ts";

export interface LessonsWorld extends Omit<ShadowWorld, "metrics"> {
  metrics(): Promise<Samples>;
  /** Once everything that was sampled has its verdict. */
  settled(): Promise<Samples>;
  /** Model calls of the targets that were not on the tape. */
  misses(): readonly unknown[];
}

const SETTLED_MS = 45_000;

export interface LessonsOptions
  extends Pick<ShadowWorldOptions, "before" | "liveTokensPerHour" | "modelEnv" | "without"> {
  readonly served: "control" | "candidate";
}

export async function startLessonsWorld({ served, ...options }: LessonsOptions): Promise<LessonsWorld> {
  // Its data has to get to the targets: only with the token of the arms' data endpoints.
  const world = await startShadowWorld({ everyoneOn: served, hasRelay: true, ...options });
  return {
    ...world,
    metrics: async () => parseSamples((await world.metrics()).text),
    settled: async () => parseSamples((await world.shadowSettled(SETTLED_MS)).text),
    misses: () => world.cassette?.logLines().filter(({ event }) => event === "cassette.miss") ?? [],
  };
}
