// A surface whose frames say themselves what they are, for tests of conversations.
import { createHash } from "node:crypto";
import { compareBodies } from "../compare/body.ts";
import { BodyRules } from "../compare/bodyRules.ts";
import { fingerprintOf } from "../compare/fingerprint.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { ShadowCodec, SocketFrame } from "../conversation/codec.ts";
import type { MessageComparer } from "../conversation/finding.ts";
import type { ArmMessage } from "../conversation/message.ts";
import type { JsonObject } from "../json/values.ts";

export interface TalkFrame {
  readonly lane: string;
  readonly type: string;
  readonly id: string | null;
  readonly isFinal: boolean;
  readonly value: JsonObject;
}

export const frameOf = (value: unknown): SocketFrame => ({ isBinary: false, data: Buffer.from(JSON.stringify(value)) });

/** Frames of the lane `room` have no cause; those of others are answered one after the other, or by their ids. */
export const talkCodec: ShadowCodec<null> = {
  surface: "talk",
  endsTurns: true,
  start: () => null,
  fromClient: (_, { data }) => {
    const { id, isRead } = JSON.parse(String(data)) as { id?: string; isRead?: boolean };
    return [null, { kind: "turn", changesState: isRead !== true, id: id ?? null }];
  },
  fromArm: (_, { data }) => {
    const { lane, type, id, isFinal } = JSON.parse(String(data)) as TalkFrame;
    const content = { kind: "content", lane, type, correlationId: id, isFinal } as const;
    return [null, lane === "room" ? content : { ...content, cause: "order" }];
  },
};

const RULES = new BodyRules([], NORMALISERS);
const CONTEXT = { delayMs: 0, nowMs: 0, shadow: "candidate" as const, conditions: {}, ids: null };

/** Without rules. */
export const talkComparer: MessageComparer = {
  fingerprint: ({ value }) => fingerprintOf(value, RULES),
  compare: (control, candidate) => compareBodies(control.value, candidate.value, RULES, CONTEXT),
};

/** A message as a recorder would have made it. */
export function messageOf(turn: number, value: JsonObject | string, more: Partial<ArmMessage> = {}): ArmMessage {
  const text = JSON.stringify(value);
  return {
    lane: "talk",
    type: "answer",
    correlationId: null,
    turn,
    fromTurn: turn,
    cause: "order",
    atMs: turn * 1_000,
    sinceTurnMs: 10,
    value,
    digest: createHash("sha256").update(text).digest("base64url"),
    hasEscapes: false,
    notes: [],
    chars: text.length,
    parts: null,
    ...more,
  };
}
