import type { Decision } from "../kernel/index.ts";
import { decide, type Question, type Ruling } from "./decide.ts";
import type { Explanation, FlagReading } from "./ports.ts";
import { rankOf } from "./rank.ts";

/** Data older than this is served on and marked; the alert of rollout.md §1.4. */
export const STALE_AFTER_MS = 30_000;

export interface Surroundings {
  readonly epoch: number;
  readonly reading: FlagReading;
}

/** No data at all is stale as well: nothing confirms what is served. */
export const isStale = ({ data, confirmedAtMs }: FlagReading, nowMs: number): boolean =>
  data === null || nowMs - confirmedAtMs > STALE_AFTER_MS;

export const decisionOf = (ruling: Ruling, { epoch, reading }: Surroundings, nowMs: number): Explanation["decision"] =>
  Object.freeze({
    arm: ruling.arm,
    reason: ruling.reason,
    ruleId: ruling.ruleId,
    epoch,
    isStale: isStale(reading, nowMs),
  } satisfies Decision & { isStale: boolean });

interface OpenFeature {
  readonly reason: string;
  readonly errorCode?: string;
}

/** OpenFeature's words for ours (rollout.md §1.4, last table). */
function openFeature({ reason, isStale }: Explanation["decision"], percent: number): OpenFeature {
  if (reason === "pinned") return { reason: "TARGETING_MATCH" };
  if (reason === "flags-stale") return { reason: "ERROR", errorCode: "PROVIDER_NOT_READY" };
  if (reason === "no-subject") return { reason: "DEFAULT", errorCode: "TARGETING_KEY_MISSING" };
  if (reason !== "flag-on" && reason !== "flag-off") return { reason: "DISABLED" };
  if (isStale) return { reason: "STALE" };
  return { reason: percent === 0 || percent === 100 ? "STATIC" : "SPLIT" };
}

/** `decide` with its trace written down, plus the numbers it was based on. Shows the subject to nobody. */
export function explain(question: Question, around: Surroundings): Explanation {
  const trace: { rule: string; answer: string; isDeciding: boolean }[] = [];
  const ruling = decide(question, (rule, ruled) => {
    trace.push({ rule: rule.name, answer: rule.say(question), isDeciding: ruled !== null });
  });
  const { reading } = around;
  const decision = decisionOf(ruling, around, question.nowMs);
  const numbers = {
    bucket: question.subject ? rankOf(question.subject) / 10 : null,
    exposurePercent: question.hasData ? question.percent : null,
    ceilingPercent: question.lease?.ceilingPercent ?? null,
    term: question.lease?.term ?? null,
    dataAgeMs: reading.data ? Math.max(0, question.nowMs - reading.confirmedAtMs) : null,
  };
  const details = {
    flagKey: question.unit.flag,
    value: decision.arm === "candidate",
    variant: decision.arm,
    ...openFeature(decision, question.percent),
    flagMetadata: { ...decision, ...numbers, source: reading.source },
  };
  return { decision, ...numbers, source: reading.source, trace, details };
}
