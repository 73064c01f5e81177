// Runs autocannon; settings as JSON in the only argument, a result for each address as JSON on stdout.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import autocannon, { type Client } from "autocannon";
import { processorTicks, stolenShare } from "../lib/processorTicks.ts";
import { quantile } from "../lib/statistics.ts";
import { type Paced, TURNS_FACTOR } from "./autocannonLoad.ts";

interface Settings {
  /** Called in turn, a slice each; the next time in the other order. */
  readonly urls: readonly string[];
  /** Of each; absent: one, whatever the machine does meanwhile. */
  readonly slices?: number;
  readonly path: string;
  readonly tokensFile: string;
  /** Of a slice. */
  readonly seconds: number;
  readonly connections?: number;
  readonly callsPerSecond?: number;
}

/** One of the addresses, and what has been seen of it so far. */
interface Called {
  readonly url: string;
  readonly durationsMs: number[];
  readonly shares: (readonly Share[])[];
}

interface Share {
  readonly calls: number;
  readonly failures: number;
  readonly seconds: number;
}

/** autocannon sends a second's calls at its beginning: so many runs, started one after the other, fill the second evenly. */
const SLOTS = 10;

/**
 * Of a turn in which a hypervisor took more of the processors' time than this for others, the times say nothing (proc(5), `steal`): it
 * takes milliseconds at once, so that a hundredth of it is the whole of a p99. Its calls count all the same.
 */
const STOLEN_SHARE_MAX = 0.003;
const settings = JSON.parse(process.argv[2] ?? "{}") as Settings;
const tokens = JSON.parse(readFileSync(settings.tokensFile, "utf8")) as string[];

/** Connections of their own tokens each: autocannon builds every request of every connection before it begins. */
function share(
  { url, durationsMs }: Called,
  connections: number,
  ownTokens: readonly string[],
  overallRate?: number,
): Promise<Share> {
  const { path, seconds } = settings;
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

async function shares(called: Called): Promise<readonly Share[]> {
  const { callsPerSecond } = settings;
  if (callsPerSecond === undefined) return [await share(called, settings.connections ?? 1, tokens)];
  const rate = Math.max(1, Math.round(callsPerSecond / SLOTS));
  return Promise.all(
    Array.from({ length: SLOTS }, async (_, slot) => {
      await sleep((slot * 1_000) / SLOTS);
      return share(
        called,
        1,
        tokens.filter((_token, at) => at % SLOTS === slot),
        rate,
      );
    }),
  );
}

const all = settings.urls.map((url): Called => ({ url, durationsMs: [], shares: [] }));

/** A slice each. Gives whether the machine was ours meanwhile. */
async function turn(order: readonly Called[]): Promise<boolean> {
  const known = order.map(({ durationsMs }) => durationsMs.length);
  const before = processorTicks();
  for (const called of order) called.shares.push(await shares(called));
  const isOurs = stolenShare(before, processorTicks()) <= STOLEN_SHARE_MAX;
  if (!isOurs) for (const [at, { durationsMs }] of order.entries()) durationsMs.splice(known[at] as number);
  return isOurs;
}

const { slices } = settings;
if (slices === undefined) for (const called of all) called.shares.push(await shares(called));
else {
  let calm = 0;
  for (let at = 0; calm < slices && at < slices * TURNS_FACTOR; at++) {
    if (await turn(at % 2 === 0 ? all : all.toReversed())) calm += 1;
  }
  if (calm === 0) throw new Error("the machine was taken away in every slice");
}

function resultOf({ durationsMs, shares: slices }: Called): Paced {
  const sorted = Float64Array.from(durationsMs).sort();
  const done = slices.flat();
  return {
    calls: done.reduce((sum, one) => sum + one.calls, 0),
    failures: done.reduce((sum, one) => sum + one.failures, 0),
    seconds: slices.reduce((sum, slice) => sum + Math.max(...slice.map((one) => one.seconds)), 0),
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

process.stdout.write(`${JSON.stringify(all.map(resultOf))}\n`);
