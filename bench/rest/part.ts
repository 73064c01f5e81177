import { cpuSecondsOf, isCpuKnown } from "../lib/cpu.ts";
import { type PartOptions, partOf } from "../lib/part.ts";
import type { Running } from "../lib/process.ts";
import type { Row } from "../lib/results.ts";
import { inRounds, warmUpAll } from "../lib/rounds.ts";
import { type Figure, toRows } from "../lib/rows.ts";
import { bottlenecks } from "../lib/share.ts";
import { median } from "../lib/statistics.ts";
import { createTokens, SUBJECTS } from "../lib/tokens.ts";
import { VoidMeasurement } from "../lib/void.ts";
import { ANSWER, READ_PATH } from "./answer.ts";
import { createAutocannonLoad } from "./autocannonLoad.ts";
import { BASELINE, type RestContestant, startContestants } from "./contestants.ts";
import { type AddedLatency, latencyRows, measureLatency } from "./latency.ts";
import { createLoad, type Load } from "./load.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { checkValidity } from "./validity.ts";

const CONNECTIONS = 64;
/** Seconds of load before each measurement: the others' turns leave a process cold. */
const LEAD_IN_SHARE = 0.25;
const LATENCY_LOAD = 0.3;

/** REST pass-through, shadow off (performance.md P1, P3, P4). */
export const restPart = partOf(measureAll);

async function measureAll(options: PartOptions, running: Running[]) {
  const { dir, rounds, seconds, say } = options;
  const tokens = createTokens();
  const upstream = await startUpstream(dir);
  running.push(upstream);
  const { contestants, skipped } = await startContestants(dir, upstream, running);
  for (const line of skipped) say(line);
  const load = createLoad(dir, tokens, READ_PATH);
  const autocannon = createAutocannonLoad(dir, tokens, READ_PATH);
  for (const one of contestants) await checkAnswer(one, tokens[0] as string);
  await warmUpAll(contestants, rounds, (one) => measure(one, upstream, load, seconds));
  const figures = await inRounds(contestants, rounds, async (one, round) => {
    const leadIn = Math.floor(seconds * LEAD_IN_SHARE);
    if (leadIn > 0) await measure(one, upstream, load, leadIn);
    const figure = await measure(one, upstream, load, seconds);
    say(`rest, round ${round + 1} of ${rounds}: ${one.name} ${Math.round(figure.perSecond)}/s`);
    return figure;
  });
  const callsPerSecond = Math.round(
    LATENCY_LOAD * median((figures.get("switchyard") ?? []).map((one) => one.perSecond)),
  );
  const ours = contestants.find((one) => one.name === "switchyard") as RestContestant;
  const latencies: AddedLatency[] = [];
  for (let round = 0; round < rounds; round++) {
    latencies.push(
      await measureLatency(autocannon, { ours: ours.url, direct: upstream.controlUrl, callsPerSecond, seconds, round }),
    );
    say(`rest, latency, round ${round + 1} of ${rounds}`);
  }
  const rows: Record<string, Row> = {
    ...toRows(contestants, figures, { baseline: BASELINE, what: "requests" }),
    ...latencyRows(latencies),
  };
  const origins = contestants.filter((one) => one.isOrigin).map((one) => one.name);
  const notes = [
    `Load: ${load.name}, ${CONNECTIONS} connections, tokens of ${SUBJECTS.toLocaleString("en")} subjects in turn; upstream: ${upstream.kind} in its own process, 1 KiB of JSON.`,
    "`switchyard` runs the shipped configuration without `continuity`, half of the subjects on each arm, its log to a file; raised are only the limits per subject and per address (security.md §11).",
    "Each contestant is warmed up for as long as it gets faster (not in a run of one round), and gets a lead-in of a quarter of the time before each measurement.",
    "The peers are bare: no identity, no decision, no metrics, no log. All keep their connections to the upstream. `node-http` answers by itself and `undici` is `Pool.dispatch` in a bare server: references, not rivals.",
    `Latency: autocannon at ${callsPerSecond} requests/s, 30 % of what \`switchyard\` reached, over direct calls at the same rate.`,
    ...(isCpuKnown ? [] : ["This system does not tell the CPU time of other processes: no second table."]),
    ...skipped,
    ...bottlenecks(figures, origins),
  ];
  return { rows, notes };
}

/** Before anything is timed: the answer arrives whole and unchanged. */
async function checkAnswer(one: RestContestant, token: string): Promise<void> {
  const reply = await fetch(one.url + READ_PATH, { headers: { authorization: `Bearer ${token}` } });
  const text = await reply.text();
  if (reply.status !== 200 || text !== ANSWER) {
    throw new VoidMeasurement(
      `${one.name} answered ${reply.status} with ${text.length} characters, not the fixed answer`,
    );
  }
}

async function measure(one: RestContestant, upstream: Upstream, load: Load, seconds: number): Promise<Figure> {
  one.running.emptyLog();
  const witnesses = async () => [await upstream.answered(), (await one.switchyard?.decisions()) ?? 0] as const;
  const cpu = () => [cpuSecondsOf(one.running.pid), cpuSecondsOf(upstream.pid)] as const;
  const [answeredBefore, decidedBefore] = await witnesses();
  const [ownBefore, upstreamBefore] = cpu();
  const startedMs = performance.now();
  const result = await load.run(one.url, { seconds, connections: CONNECTIONS });
  const tookS = (performance.now() - startedMs) / 1_000;
  const [ownAfter, upstreamAfter] = cpu();
  const [answered, decided] = await witnesses();
  checkValidity(one.name, result, {
    answered: one.isOrigin ? null : answered - answeredBefore,
    decided: one.switchyard ? decided - decidedBefore : null,
  });
  const ownCpu = ownAfter === null || ownBefore === null ? null : ownAfter - ownBefore;
  return {
    perSecond: result.calls / result.seconds,
    perCpuSecond: ownCpu === null ? null : result.calls / ownCpu,
    coresUsed: (ownCpu ?? 0) / tookS,
    upstreamCoresUsed: ((upstreamAfter ?? 0) - (upstreamBefore ?? 0)) / tookS,
  };
}
