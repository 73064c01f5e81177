// The tutor socket as the shadow compares it (differences.md §6, S-3–S-8): envelopes in one lane, the model's deltas joined into
// the text that comes before its envelope, answers to heartbeats left out.
import type { ShadowCodec } from "../../shadow/ports.ts";
import { parseObject } from "../codecs/head.ts";
import { readIntent } from "../codecs/tutorClient.ts";

const LANE = "turns";
const PRESENCE = new Set(["pong", "heartbeat_ack"]);
const PRESENCE_OF_CLIENT = new Set(["ping", "heartbeat", "system_tick"]);

const text = (value: unknown): string => (typeof value === "string" ? value : "");

export const tutorTalk: ShadowCodec<null> = {
  surface: "tutor",
  start: () => null,
  fromClient: (_, frame) => {
    const intent = readIntent(frame);
    if (intent.kind === "turn") return [null, { kind: "turn", changesState: true }];
    const type = text(parseObject(frame.data)?.["type"]);
    return [null, { kind: PRESENCE_OF_CLIENT.has(type) ? "presence" : "message", changesState: false }];
  },
  fromArm: (_, frame) => {
    const message = frame.isBinary ? null : parseObject(frame.data);
    const content = { kind: "content", lane: LANE, correlationId: null } as const;
    if (message === null) return [null, { ...content, type: frame.isBinary ? "binary" : "text" }];
    const type = text(message["type"]);
    const join = text(message["turn_id"]);
    if (PRESENCE.has(type)) return [null, { kind: "presence", type }];
    if (type === "raw_delta") return [null, { kind: "part", lane: LANE, type, join, text: text(message["delta"]) }];
    if (type === "raw_reset") return [null, { kind: "reset", join }];
    // Of another content type it still is the one answer of its turn.
    return [null, { ...content, type: type === "" ? "envelope" : type }];
  },
};
