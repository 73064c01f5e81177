import type { Explanation, KillRecord, Overrides, Pin } from "../flags/index.ts";
import type { Decision } from "../kernel/index.ts";
import type { UnitInfo } from "./ports.ts";

/** Data older than this holds a rollout (rollout.md §1.4). */
export const FLAGS_HOLD_MS = 120_000;

const clockTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
const percent = (value: number | null): string => (value === null ? "unknown" : `${value} %`);
const who = (record: { reason: string; actor: string }): string => `"${record.reason}", by ${record.actor}`;

/** The deciding rule as one sentence; console and command line print the same. */
export function becauseOf(
  decision: Decision,
  unit: UnitInfo | null,
  explanation: Explanation | null,
  overrides: Overrides,
  subject: string | null,
): string {
  const name = unit?.id ?? "";
  switch (decision.reason) {
    case "kill-switch":
      return `kill-switch: ${killText(
        overrides.kills.find((kill) => decision.ruleId === `kill:${kill.layer}`),
        decision.ruleId,
      )}`;
    case "pinned":
      return `pinned: ${pinText(
        overrides.pins.find((pin) => decision.ruleId === `pin:${pin.id}`),
        decision.ruleId,
      )}`;
    case "no-subject":
      return "no-subject: without a stable subject nobody is sent to the candidate";
    case "flags-stale":
      return "flags-stale: the flag source never gave usable data; any doubt goes to control";
    case "flag-on":
    case "flag-off":
      return `${decision.reason}: "${name}" is at ${percent(explanation?.exposurePercent ?? null)}, ${bucketText(explanation, subject)}`;
    case "lease-expired":
      return `lease-expired: the right of "${name}" to serve from the candidate ran out (${decision.ruleId})`;
    case "fixed":
      return `fixed: the configuration serves "${name}" from ${decision.arm}, whatever the flags say`;
    case "unmatched":
      return "unmatched: the route belongs to no unit";
    case "not-carried":
      return "not-carried: the flag says candidate, but the subject's data is not there yet";
    case "settling":
      return "settling: the decision has changed, and what the subject has open on its arm has not ended yet";
    case "decision-failed":
      return "decision-failed: deciding failed, and any doubt goes to control";
  }
}

function killText(kill: KillRecord | undefined, ruleId: string): string {
  if (!kill) return `${ruleId} holds`;
  return `layer ${kill.layer} is on since ${clockTime(kill.sinceMs)}, ${who(kill)}`;
}

function pinText(pin: Pin | undefined, ruleId: string): string {
  if (!pin) return ruleId;
  return `${pin.unit === null ? "every unit" : `"${pin.unit}"`} to ${pin.arm} until ${clockTime(pin.untilMs)}, ${who(pin)} (${pin.id})`;
}

function bucketText(explanation: Explanation | null, subject: string | null): string {
  if (explanation === null || explanation.bucket === null) return "no bucket is known";
  return `${subject ?? "the subject"} is in bucket ${explanation.bucket.toFixed(1)} of 100 (stable for this subject)`;
}

/** What was asked besides, each as a short fact; the rule that decided is `because`'s to say. */
export function checkedOf(
  decision: Decision,
  explanation: Explanation | null,
  overrides: Overrides,
): readonly string[] {
  const layers = overrides.kills.map((kill) => kill.layer);
  const isPinAsked = explanation?.trace.some(({ rule, isDeciding }) => rule === "pin" && !isDeciding) === true;
  return [
    layers.length === 0 ? "kill switch off" : `kill switch on: ${layers.join(", ")}`,
    ...(isPinAsked ? ["no pin"] : []),
    ...(explanation === null ? [] : [ageText(explanation)]),
    ...(explanation?.ceilingPercent == null ? [] : [`ceiling ${explanation.ceilingPercent} %`]),
    `epoch ${decision.epoch}`,
  ];
}

function ageText(explanation: Explanation): string {
  if (explanation.dataAgeMs === null) return "no flag data";
  return `flags ${Math.round(explanation.dataAgeMs / 1_000)} s old (holds at ${FLAGS_HOLD_MS / 1_000} s)`;
}
