// Runs autocannon; settings as JSON in the only argument, what each address gave as JSON on stdout.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import autocannon, { type Client } from "autocannon";
import { processorTicks, stolenShare } from "../lib/processorTicks.ts";
import { median, quantile } from "../lib/statistics.ts";
import { type Paced, type RoundsOf, TURNS_FACTOR } from "./autocannonLoad.ts";

interface Settings {
  /** Called in turn, a slice each; the next time in the other order. */
  readonly urls: readonly string[];
  /** A round's slices lie spread over the whole run; absent: one round of one slice, whatever the machine does meanwhile. */
  readonly rounds?: number;
  /** Of each address in a round. */
  readonly slices?: number;
  /** While the rounds of the first address differ by more, they get as many slices again, up to the most. */
  readonly agree?: { readonly spreadMax: number; readonly slicesMax: number };
  readonly path: string;
  readonly tokensFile: string;
  /** Of a slice. */
  readonly seconds: number;
  readonly connections?: number;
  readonly callsPerSecond?: number;
}

/** One of the addresses, and what has been seen of it so far, by round. */
interface Called {
  readonly url: string;
  readonly rounds: readonly Round[];
}

interface Round {
  /** How long the calls of each slice took. */
  readonly slicesMs: Float64Array[];
  /** While the machine was not ours: better than nothing, where there is nothing else. */
  readonly disturbedMs: Float64Array[];
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
  url: string,
  durationsMs: number[],
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

async function shares(url: string, durationsMs: number[]): Promise<readonly Share[]> {
  const { callsPerSecond } = settings;
  if (callsPerSecond === undefined) return [await share(url, durationsMs, settings.connections ?? 1, tokens)];
  const rate = Math.max(1, Math.round(callsPerSecond / SLOTS));
  return Promise.all(
    Array.from({ length: SLOTS }, async (_, slot) => {
      await sleep((slot * 1_000) / SLOTS);
      return share(
        url,
        durationsMs,
        1,
        tokens.filter((_token, at) => at % SLOTS === slot),
        rate,
      );
    }),
  );
}

const { slices, rounds = 1, agree } = settings;
const newRound = (): Round => ({ slicesMs: [], disturbedMs: [], shares: [] });
const all = settings.urls.map((url): Called => ({ url, rounds: Array.from({ length: rounds }, newRound) }));

/** A slice each, for this round; its calls count in any case. Gives whether the machine was ours meanwhile. */
async function turn(order: readonly Called[], round: number, isWarmUp = false): Promise<boolean> {
  const seen: (readonly [Round, Float64Array])[] = [];
  const before = processorTicks();
  for (const called of order) {
    const [into, durationsMs] = [called.rounds[round] as Round, [] as number[]];
    into.shares.push(await shares(called.url, durationsMs));
    seen.push([into, Float64Array.from(durationsMs).sort()]);
  }
  const isOurs = stolenShare(before, processorTicks()) <= STOLEN_SHARE_MAX;
  for (const [into, durationsMs] of isWarmUp ? [] : seen) {
    if (durationsMs.length > 0) (isOurs ? into.slicesMs : into.disturbedMs).push(durationsMs);
  }
  return isOurs;
}

/** One turn for each round, and again, until all have so many slices more or the machine was taken away too often. */
async function turns(slicesEach: number): Promise<void> {
  const calm = Array.from({ length: rounds }, () => 0);
  // A single round is compared with no other: nothing is judged by it.
  const laps = slicesEach * (rounds > 1 ? TURNS_FACTOR : 1);
  for (let lap = 0; lap < laps; lap++) {
    for (const [round, done] of calm.entries()) {
      if (done >= slicesEach) continue;
      if (await turn((lap + round) % 2 === 0 ? all : all.toReversed(), round)) calm[round] = done + 1;
    }
  }
}

/** Greatest over least p99 of the first address. */
function spread(): number {
  const p99s = (all[0]?.rounds ?? []).map((round) => resultOf(round).p99Ms);
  return Math.max(...p99s) / Math.min(...p99s);
}

if (slices === undefined) {
  for (const called of all) {
    const [only, durationsMs] = [called.rounds[0] as Round, [] as number[]];
    only.shares.push(await shares(called.url, durationsMs));
    only.slicesMs.push(Float64Array.from(durationsMs).sort());
  }
} else {
  // The first second of this process is a hundredth of its calls and more, and goes to its own compiler.
  await turn(all, 0, true);
  await turns(slices);
  const { spreadMax, slicesMax } = agree ?? { spreadMax: Number.POSITIVE_INFINITY, slicesMax: 0 };
  for (let done = slices; done < slicesMax && spread() > spreadMax; done += slices) await turns(slices);
}

function timesOf({ slicesMs, disturbedMs }: Round): readonly Float64Array[] {
  return slicesMs.length > 0 ? slicesMs : disturbedMs;
}

/** Of its slices the middle one: what the machine did in a moment is not what the round is about. */
function resultOf(round: Round): Paced {
  const times = timesOf(round);
  const done = round.shares;
  const single = done.flat();
  return {
    calls: single.reduce((sum, one) => sum + one.calls, 0),
    failures: single.reduce((sum, one) => sum + one.failures, 0),
    seconds: done.reduce((sum, slice) => sum + Math.max(...slice.map((one) => one.seconds)), 0),
    p50Ms: median(times.map((sorted) => quantile(sorted, 0.5))),
    p99Ms: median(times.map((sorted) => quantile(sorted, 0.99))),
  };
}

const resultsOf = ({ rounds: taken }: Called): RoundsOf => {
  const sorted = Float64Array.from(taken.flatMap((round) => timesOf(round).flatMap((one) => [...one]))).sort();
  return { rounds: taken.map(resultOf), p99Ms: quantile(sorted, 0.99) };
};
process.stdout.write(`${JSON.stringify(all.map(resultsOf))}\n`);
