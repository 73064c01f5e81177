// The tutor socket as the shadow compares it (differences.md §6, S-3–S-8): one envelope for each queued frame, in their order; the
// model's deltas joined into the text that comes before its envelope; answers to heartbeats left out.
import type { ShadowCodec } from "../../shadow/ports.ts";
import { parseObject } from "../codecs/head.ts";
import { readIntent } from "../codecs/tutorClient.ts";
import { isObject, type JsonObject } from "../jsonObject.ts";

type SaidMessage = Parameters<NonNullable<ShadowCodec["checkTurn"]>>[0][number];

const LANE = "turns";
const PRESENCE = new Set(["pong", "heartbeat_ack"]);
const PRESENCE_OF_CLIENT = new Set(["ping", "heartbeat", "system_tick"]);
/** tutor-socket.md §2: one turn runs and so many wait; a further frame is refused before they are answered. */
const QUEUE_TURNS = 33;

/** What a blank explanation is stored as (services.md §3). */
const BLANK = "...";

/** Unanswered `start` frames: only they are answered by a planner's failure, which at connect is unasked (tutor-socket.md §1.5). */
type Starts = number | null;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

const codeOf = ({ data }: JsonObject): string => (isObject(data) ? text(data["error_code"]) : "");

const ENVELOPE = { kind: "content", lane: LANE, correlationId: null, type: "envelope" } as const;
const GREETING = { ...ENVELOPE, cause: "greeting" } as const;
const ANSWER = { ...ENVELOPE, cause: "order", isFinal: true } as const;

/** A question is only ever sent by itself when it waits at connect: one that is asked in a turn is on the board (services.md §4). */
function envelopeOf(starts: number, message: JsonObject): readonly [Starts, ReturnType<typeof seenOf>] {
  const code = codeOf(message);
  if (code === "PLANNING_ERROR") return [Math.max(0, starts - 1), starts === 0 ? GREETING : ANSWER];
  return [starts, seenOf(message, code)];
}

function seenOf({ content_type }: JsonObject, code: string) {
  if (content_type === "question") return GREETING;
  return code === "QUEUE_OVERFLOW" ? ({ ...ANSWER, behind: QUEUE_TURNS } as const) : ANSWER;
}

/** S-7: the deltas of an explanation are its text, unless that was blank; behind an error they are void. */
function checkTurn(messages: readonly SaidMessage[]): string | null {
  const deltas = new Map(
    messages.flatMap(({ parts, value }) => (parts === null ? [] : [[parts.join, value] as const])),
  );
  for (const { type, value } of messages) {
    if (type !== "envelope" || !isObject(value) || value["content_type"] !== "explanation") continue;
    const said = isObject(value["data"]) ? text(value["data"]["explanation_text"]) : "";
    const joined = deltas.get(text(value["turn_id"]));
    const isBlank = text(joined).trim() === "" && said === BLANK;
    if (joined !== undefined && joined !== said && !isBlank) return "message:raw_delta";
  }
  return null;
}

export const tutorTalk: ShadowCodec<Starts> = {
  surface: "tutor",
  endsTurns: true,
  start: () => null,
  checkTurn,
  fromClient: (starts, frame) => {
    const intent = readIntent(frame);
    if (intent.kind === "turn") {
      const open = (starts ?? 0) + (intent.type === "start" ? 1 : 0);
      // A repeat while the first is open is answered with it, once (tutor-socket.md §6).
      return [open, { kind: "turn", changesState: true, key: intent.messageId }];
    }
    const type = text(parseObject(frame.data)?.["type"]);
    return [starts, { kind: PRESENCE_OF_CLIENT.has(type) ? "presence" : "message", changesState: false }];
  },
  fromArm: (starts, frame) => {
    const message = frame.isBinary ? null : parseObject(frame.data);
    const inTurn = { kind: "content", lane: LANE, correlationId: null, cause: "order" } as const;
    if (message === null) return [starts, { ...inTurn, type: frame.isBinary ? "binary" : "text" }];
    const type = text(message["type"]);
    const join = text(message["turn_id"]);
    if (PRESENCE.has(type)) return [starts, { kind: "presence", type }];
    if (type === "raw_delta")
      return [starts, { kind: "part", lane: LANE, type, join, text: text(message["delta"]), cause: "order" }];
    if (type === "raw_reset") return [starts, { kind: "reset", join }];
    // Of another content type it still is the one answer of its turn.
    if (type === "") return envelopeOf(starts ?? 0, message);
    return [starts, { ...inTurn, type, ...(type === "SESSION_INIT_STATE" ? { cause: "greeting" } : {}) }];
  },
};
