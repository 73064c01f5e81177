// What a tutor arm's frame is (tutor-socket.md §4), read from its first bytes wherever that is enough.
import { isObject } from "../jsonObject.ts";
import { bytesOf, headOf, parseObject, startsWith } from "./head.ts";
import type { Frame } from "../../proxy/ports.ts";

export type ArmFrameKind = "init" | "part" | "own" | "push" | "envelope";

export interface EnvelopeFacts {
  readonly contentType: string;
  readonly errorCode: string;
  /** Only answers to a turn carry `turn_id` (streaming mode), and only drawn questions carry actions. */
  readonly isAnswer: boolean;
}

const DELTA = bytesOf('{"type":"raw_delta"');
const ENVELOPE = bytesOf('{"schema_version":');
const KINDS: ReadonlyMap<string, ArmFrameKind> = new Map([
  ["SESSION_INIT_STATE", "init"],
  ["raw_delta", "part"],
  ["raw_reset", "part"],
  ["REQUEST_BOARD_STATE", "part"],
  ["pong", "own"],
  ["heartbeat_ack", "own"],
]);

const HEAD = /^\s*\{\s*"(type|schema_version|content_type)"\s*:\s*(?:"([^"\\]{0,64})")?/;

const ofType = (type: unknown): ArmFrameKind => (typeof type === "string" ? KINDS.get(type) : undefined) ?? "push";

/** Keys may come in any order (README §2): what the head does not tell is read from the whole. */
function readWhole(data: Uint8Array): ArmFrameKind {
  const message = parseObject(data);
  if (!message) return "push";
  return Object.hasOwn(message, "content_type") ? "envelope" : ofType(message["type"]);
}

export function readArmFrame({ isBinary, data }: Frame): ArmFrameKind {
  if (isBinary) return "push";
  if (startsWith(data, DELTA)) return "part";
  if (startsWith(data, ENVELOPE)) return "envelope";
  const [, key, text] = HEAD.exec(headOf(data)) ?? [];
  if (key === "type" && text !== undefined) return ofType(text);
  return key === "content_type" || key === "schema_version" ? "envelope" : readWhole(data);
}

/** The parts of an envelope that tell a greeting from an answer; a garbled one counts as an answer. */
export function readEnvelope({ data }: Frame): EnvelopeFacts {
  const message = parseObject(data);
  if (!message) return { contentType: "", errorCode: "", isAnswer: true };
  const { content_type, data: body, whiteboard_actions } = message;
  const errorCode = isObject(body) ? body["error_code"] : undefined;
  return {
    contentType: typeof content_type === "string" ? content_type : "",
    errorCode: typeof errorCode === "string" ? errorCode : "",
    isAnswer: Object.hasOwn(message, "turn_id") || Array.isArray(whiteboard_actions),
  };
}
