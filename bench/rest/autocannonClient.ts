// Runs autocannon; settings as JSON in the only argument, the result as JSON on stdout.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import autocannon, { type Client } from "autocannon";
import { quantile } from "../lib/statistics.ts";
import type { Paced } from "./autocannonLoad.ts";

interface Settings {
  readonly url: string;
  readonly path: string;
  readonly tokensFile: string;
  readonly seconds: number;
  readonly connections?: number;
  readonly callsPerSecond?: number;
}

interface Share {
  readonly calls: number;
  readonly failures: number;
  readonly seconds: number;
}

/** autocannon sends a second's calls at its beginning: so many runs, started one after the other, fill the second evenly. */
const SLOTS = 10;

const settings = JSON.parse(process.argv[2] ?? "{}") as Settings;
const tokens = JSON.parse(readFileSync(settings.tokensFile, "utf8")) as string[];
const durationsMs: number[] = [];

/** Connections of their own tokens each: autocannon builds every request of every connection before it begins. */
function share(connections: number, ownTokens: readonly string[], overallRate?: number): Promise<Share> {
  const { url, path, seconds } = settings;
  let clients = 0;
  const setupClient = (client: Client): void => {
    const turn = clients++ % connections;
    const tokensInTurn = ownTokens.filter((_token, at) => at % connections === turn);
    client.setRequests(
      tokensInTurn.map((token) => ({ method: "GET", path, headers: { authorization: `Bearer ${token}` } })),
    );
  };
  const options = { url, connections, duration: seconds, timeout: 10, setupClient };
  return new Promise((resolve, reject) => {
    let calls = 0;
    const paced = { ...options, ...(overallRate === undefined ? {} : { overallRate }) };
    const running = autocannon(paced, (error, result) => {
      if (error) reject(error);
      // Timeouts are among the errors.
      else resolve({ calls, failures: result.errors + result.non2xx, seconds: result.duration });
    });
    // autocannon's own percentiles are whole milliseconds, its total leaves out the last second.
    running.on("response", (_client: unknown, _status: number, _bytes: number, durationMs: number) => {
      calls++;
      durationsMs.push(durationMs);
    });
  });
}

async function shares(): Promise<readonly Share[]> {
  const { callsPerSecond } = settings;
  if (callsPerSecond === undefined) return [await share(settings.connections ?? 1, tokens)];
  const rate = Math.max(1, Math.round(callsPerSecond / SLOTS));
  return Promise.all(
    Array.from({ length: SLOTS }, async (_, slot) => {
      await sleep((slot * 1_000) / SLOTS);
      return share(
        1,
        tokens.filter((_token, at) => at % SLOTS === slot),
        rate,
      );
    }),
  );
}

const done = await shares();
const sorted = Float64Array.from(durationsMs).sort();
const result: Paced = {
  calls: done.reduce((sum, one) => sum + one.calls, 0),
  failures: done.reduce((sum, one) => sum + one.failures, 0),
  seconds: Math.max(...done.map((one) => one.seconds)),
  p50Ms: quantile(sorted, 0.5),
  p99Ms: quantile(sorted, 0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
