// Asks the model for streams, in turn directly and through the cassette, and times their first bytes. Settings as JSON in the only
// argument, the result as JSON on stdout.
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "../lib/statistics.ts";

export interface FirstTokenSettings {
  readonly direct: string;
  readonly recorded: string;
  readonly seconds: number;
}

export interface FirstTokens {
  readonly calls: number;
  readonly direct: Quantiles;
  readonly recorded: Quantiles;
}

interface Quantiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Asked first, and not counted. */
const WARM_UP = 50;
/** Each rests for as long as it has asked: half of the load that they would be without a rest (shadow §17). */
const LANES = 2;

const settings = JSON.parse(process.argv[2] ?? "{}") as FirstTokenSettings;
const agent = new Agent({ keepAlive: true });

function firstTokenMs(baseUrl: string, at: string): Promise<number> {
  const body = JSON.stringify({
    model: "gpt-4.1-2025-04-14",
    stream: true,
    stream_options: { include_usage: true },
    messages: [
      { role: "system", content: "#kind tutor.executor/1\nYou are a patient tutor." },
      { role: "user", content: `Explain number ${at}` },
    ],
  });
  const headers = {
    authorization: "Bearer of-the-benchmark",
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-model-call": "tutor.executor/1",
    "x-request-id": at,
  };
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const outgoing = request(`${baseUrl}/chat/completions`, { method: "POST", agent, headers }, (answer) => {
      let firstMs: number | null = null;
      answer.on("data", () => (firstMs ??= performance.now() - startedMs));
      answer.on("error", reject);
      answer.on("end", () => {
        if (answer.statusCode === 200 && firstMs !== null) resolve(firstMs);
        else reject(new Error(`status ${answer.statusCode}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const taken: Record<"direct" | "recorded", number[]> = { direct: [], recorded: [] };

async function ask(lane: number, at: number, isCounted: boolean): Promise<void> {
  // The pair side by side: whatever the machine does besides falls on both.
  const order = at % 2 === 0 ? (["direct", "recorded"] as const) : (["recorded", "direct"] as const);
  for (const way of order) {
    const ms = await firstTokenMs(settings[way], `${lane}-${at}-${way}`);
    if (isCounted) taken[way].push(ms);
  }
}

for (let at = 0; at < WARM_UP; at++) await ask(-1, at, false);
const endMs = performance.now() + settings.seconds * 1_000;
await Promise.all(
  Array.from({ length: LANES }, async (_, lane) => {
    for (let at = 0; performance.now() < endMs; at++) {
      const sinceMs = performance.now();
      await ask(lane, at, true);
      await sleep(performance.now() - sinceMs);
    }
  }),
);
agent.destroy();
const quantiles = (values: readonly number[]): Quantiles => {
  const sorted = Float64Array.from(values).sort();
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
};
const { direct, recorded } = taken;
const result: FirstTokens = { calls: direct.length, direct: quantiles(direct), recorded: quantiles(recorded) };
process.stdout.write(`${JSON.stringify(result)}\n`);
