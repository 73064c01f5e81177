// How the messages of one conversation are compared (shadow §10): by the rules of its surface.
import type { Arm, Clock } from "../../kernel/index.ts";
import { compareBodies } from "../compare/body.ts";
import { fingerprintOf } from "../compare/fingerprint.ts";
import type { ShadowCodec } from "../conversation/codec.ts";
import type { MessageComparer } from "../conversation/finding.ts";
import { type TurnTally, WholeRules } from "../conversation/wholeRules.ts";
import type { Observation } from "../observation.ts";
import type { ShadowApplication } from "../ports.ts";
import type { RuleBook } from "../rules/ruleBook.ts";
import type { Handshake } from "./messages.ts";

/** How late an answer may be, p99, ms; turns that end by a frame do not need it. */
export const LAG_MS = 250;

/** Everything is presence: only how a socket opens and closes is compared. */
export const silentCodec = (surface: string): ShadowCodec<null> => ({
  surface,
  start: () => null,
  fromClient: () => [null, { kind: "presence", changesState: false }],
  fromArm: () => [null, { kind: "presence", type: "frame" }],
});

export interface TalkRules {
  readonly clock: Clock;
  readonly conditions: ShadowApplication["conditions"];
  readonly rules: RuleBook;
  readonly surface: string;
  readonly shadow: Arm;
}

export function createTalkComparer(
  { clock, conditions, rules, surface, shadow }: TalkRules,
  tally: TurnTally,
): MessageComparer {
  const nowMs = clock.now();
  const rulesOf = (type: string) => rules.forMessage(surface, type).bodyFor(200);
  const context = {
    delayMs: LAG_MS,
    nowMs,
    shadow,
    conditions,
    ids: null,
    turns: (rule: string) => ({ compared: tally.turns + 1, accepted: tally.hits(rule) }),
  };
  return {
    fingerprint: ({ type, value }) => fingerprintOf(value, rulesOf(type)),
    compare: (control, candidate) => compareBodies(control.value, candidate.value, rulesOf(control.type), context),
    whole: new WholeRules({ surface, rules: rules.live, conditions, counts: tally, shadow }),
    nowMs,
  };
}

export const isOpen = (shaken: Handshake): boolean => "status" in shaken && shaken.status === 101;

/** A handshake as an exchange (shadow C1). */
export function observeHandshake(shaken: Handshake, arm: Arm, role: "served" | "shadow"): Observation {
  const common = { arm, role, isCut: false, firstByteMs: null, totalMs: 0 } as const;
  if ("error" in shaken) return { ...common, result: { error: shaken.error } };
  const { status, contentType, body } = shaken;
  const headers = contentType === "" ? [] : ["content-type", contentType];
  return { ...common, result: { reply: { status, headers, body } } };
}
