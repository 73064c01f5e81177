// The platform with everything of the shadow: both arms, both shadow targets, the cassette between arms and model, and the proxy.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { modelCallKey } from "../../src/contract/index.ts";
import { systemClock } from "../../src/kernel/index.ts";
import { createCassette } from "../../src/shadow/index.ts";
import {
  call,
  eventually,
  type Proxy,
  type Service,
  SERVICE_TOKEN,
  startCandidate,
  startControl,
  startProxy,
  startStandIn,
} from "../support/index.ts";
import { parseSamples, type Samples } from "./metricSamples.ts";

const KEY = "the-key-that-only-shadow-targets-accept-0001";
const TARGET_TOKEN = `${SERVICE_TOKEN}-of-targets`;

export interface LessonsOptions {
  readonly served: "control" | "candidate";
  readonly sample?: string;
}

export interface LessonsWorld {
  readonly proxy: Proxy;
  readonly model: Service;
  readonly targets: Readonly<Record<"control" | "candidate", Service>>;
  /** Model calls that the targets made and that were not answered from the tape. */
  readonly misses: readonly unknown[];
  metrics(): Promise<Samples>;
  /** Once everything that was sampled has its verdict. */
  settled(): Promise<Samples>;
  /** Differences as they are stored, for whoever has to find out why. */
  families(): readonly string[];
  stop(): Promise<void>;
}

export async function startLessonsWorld({ served, sample = "100%" }: LessonsOptions): Promise<LessonsWorld> {
  const misses: unknown[] = [];
  const model = await startStandIn({ STANDIN_CHUNK_MS: "5", STANDIN_DELAY_MS: "10" });
  const cassette = createCassette({
    provider: `${model.baseUrl}/v1`,
    record: { host: "127.0.0.1", port: 0 },
    replay: { host: "127.0.0.1", port: 0 },
    keyOf: modelCallKey,
    clock: systemClock,
    counters: { replayed: () => {}, dropped: () => {} },
    log: () => {},
    onMiss: (miss) => void misses.push(miss),
  });
  const { recordUrl, replayUrl } = await cassette.start();
  const env = {
    SHADOW_INSTANCE: "1",
    JWT_SECRET_KEY: KEY,
    JWT_AUDIENCE: "switchyard-shadow",
    SERVICE_TOKEN: TARGET_TOKEN,
  };
  const [control, candidate, shadowControl, shadowCandidate] = await Promise.all([
    startControl({ modelUrl: recordUrl }),
    startCandidate({ modelUrl: recordUrl }),
    startControl({ modelUrl: replayUrl, env }),
    startCandidate({ modelUrl: replayUrl, env }),
  ]);
  const target = (url: string): string =>
    `{ url: ${url}, jwtSecretEnv: SHADOW_JWT_SECRET, serviceTokenEnv: SHADOW_SERVICE_TOKEN }`;
  const shadow = [
    "shadow:",
    `  sample: ${sample}`,
    `  targets: { control: ${target(shadowControl.baseUrl)}, candidate: ${target(shadowCandidate.baseUrl)} }`,
    "  modes: { tutoring: sandbox }",
  ];
  const proxy = await startProxy({
    controlUrl: control.baseUrl,
    candidateUrl: candidate.baseUrl,
    everyoneOn: served,
    env: {
      SHADOW_JWT_SECRET: KEY,
      SHADOW_SERVICE_TOKEN: TARGET_TOKEN,
      SWITCHYARD__ADMIN__OPEN_METRICS: "true",
    },
    config: (text) => `${text}\n${shadow.join("\n")}\n`,
  });
  await eventually(() => {
    const safe = proxy.logLines().filter(({ event }) => event === "shadow.target.safe");
    assert.equal(safe.length, 2, "the targets are not known yet");
  }, 20_000);
  const metrics = async (): Promise<Samples> =>
    parseSamples((await call(proxy.adminUrl, { method: "GET", path: "/metrics" })).text);
  return {
    proxy,
    model,
    targets: { control: shadowControl, candidate: shadowCandidate },
    misses,
    metrics,
    settled: () =>
      eventually(
        async () => {
          const samples = await metrics();
          const sampled = samples.sum("sampled_total");
          const unsafe = samples.sum("not_compared_total", { reason: "unsafe_write" });
          const judged = samples.sum("comparisons_total") + samples.sum("not_compared_total") - unsafe;
          assert.equal(judged, sampled, `${judged} of ${sampled} judged`);
          assert.equal(samples.sum("accounting_gap"), 0, "shadow A1");
          return samples;
        },
        45_000,
        250,
      ),
    families: () => {
      const db = new DatabaseSync(`${proxy.stateDir}/shadow-0.sqlite3`, { readOnly: true });
      const rows = db
        .prepare("SELECT facts FROM families")
        .all()
        .map((row) => String(row["facts"]));
      db.close();
      return rows;
    },
    async stop() {
      for (const one of [proxy, control, candidate, shadowControl, shadowCandidate]) await one.stop();
      await cassette.close();
      await model.stop();
    },
  };
}
