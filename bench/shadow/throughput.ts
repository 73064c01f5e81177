// Small reads, each of them mirrored, by as many as go through (performance.md P2).
import { setTimeout as pause } from "node:timers/promises";
import { cpuSecondsOf } from "../lib/cpu.ts";
import type { Figure } from "../lib/rows.ts";
import { metricSum, type Switchyard } from "../lib/switchyard.ts";
import { VoidMeasurement } from "../lib/void.ts";
import type { Load } from "../rest/load.ts";
import type { Upstream } from "../rest/upstream.ts";
import { checkValidity } from "../rest/validity.ts";
import type { ShadowContestant } from "./contestants.ts";

const CONNECTIONS = 64;
const SETTLE_MS = 40_000;
const LOOK_MS = 100;

export interface Mirrored extends Figure {
  /** Of the calls served, 0 … 1; of a peer: copies that reached the target. Null without a shadow. */
  readonly shareCompared: number | null;
}

const COMPARED = /^switchyard_shadow_comparisons_total\{.*\} (\d+)$/;
const NOT_COMPARED = /^switchyard_shadow_not_compared_total\{.*reason="(?!unsafe_write").*\} (\d+)$/;
const SAMPLED = /^switchyard_shadow_sampled_total\{.*\} (\d+)$/;

/** Comparisons so far, once nothing is under way any more. */
async function comparisons(switchyard: Switchyard): Promise<number> {
  const until = Date.now() + SETTLE_MS;
  for (;;) {
    const text = await switchyard.metrics();
    const compared = metricSum(text, COMPARED);
    if (compared + metricSum(text, NOT_COMPARED) === metricSum(text, SAMPLED)) return compared;
    if (Date.now() > until) throw new VoidMeasurement("the shadow does not come to rest");
    await pause(LOOK_MS);
  }
}

const copiesOf = (one: ShadowContestant, targets: Upstream): Promise<number> =>
  one.switchyard === undefined ? targets.answered() : comparisons(one.switchyard);

/** @throws VoidMeasurement */
export async function measureMirrored(
  one: ShadowContestant,
  { upstream, targets, load, seconds }: { upstream: Upstream; targets: Upstream; load: Load; seconds: number },
): Promise<Mirrored> {
  one.running.emptyLog();
  const witnesses = async () => [await upstream.answered(), (await one.switchyard?.decisions()) ?? 0] as const;
  const cpu = () => [cpuSecondsOf(one.running.pid), cpuSecondsOf(upstream.pid)] as const;
  const copiesBefore = one.hasShadow ? await copiesOf(one, targets) : 0;
  const [answeredBefore, decidedBefore] = await witnesses();
  const [ownBefore, upstreamBefore] = cpu();
  const startedMs = performance.now();
  const result = await load.run(one.url, { seconds, connections: CONNECTIONS });
  const tookS = (performance.now() - startedMs) / 1_000;
  // What is compared behind the load's end is work for its calls too.
  const copies = one.hasShadow ? (await copiesOf(one, targets)) - copiesBefore : null;
  const [ownAfter, upstreamAfter] = cpu();
  const [answered, decided] = await witnesses();
  checkValidity(one.name, result, {
    answered: answered - answeredBefore,
    decided: one.switchyard ? decided - decidedBefore : null,
  });
  const ownCpu = ownAfter === null || ownBefore === null ? null : ownAfter - ownBefore;
  return {
    perSecond: result.calls / result.seconds,
    perCpuSecond: ownCpu === null ? null : result.calls / ownCpu,
    coresUsed: (ownCpu ?? 0) / tookS,
    upstreamCoresUsed: ((upstreamAfter ?? 0) - (upstreamBefore ?? 0)) / tookS,
    shareCompared: copies === null ? null : Math.min(1, copies / result.calls),
  };
}
