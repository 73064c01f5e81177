// What a queued frame asks for (contract tutor-socket.md §3), without touching the world.
import { canonicalJson, codePointLength, isBlank, USER_MESSAGE_CODE_POINTS_MAX } from "../../contract/index.ts";
import type { QueuedFrame } from "./frames.ts";

export interface LogText {
  readonly content: string;
  readonly contentType: string;
  readonly eventType: string;
}

export type Plan =
  | { readonly kind: "refuse"; readonly code: string; readonly isTurn: boolean; readonly type: string }
  | {
      readonly kind: "turn";
      readonly type: string;
      readonly log: LogText;
      readonly userText?: string;
      /** Input of the executor. */
      readonly trigger: string;
      readonly setsLastEvent: boolean;
    }
  | { readonly kind: "answer"; readonly type: string; readonly log: LogText; readonly trigger: string }
  | { readonly kind: "end"; readonly type: string; readonly log: LogText };

const ACTIONS: ReadonlySet<string> = new Set(["next", "previous", "summary", "start"]);

const actionLog = (type: string): LogText => ({
  content: `User action: ${type}`,
  contentType: "user_action",
  eventType: type,
});

function message(frame: QueuedFrame, type: string): Plan {
  const text = frame.data["text"];
  const refuse = (code: string): Plan => ({ kind: "refuse", code, isTurn: code !== "INVALID_PAYLOAD", type });
  if (typeof text !== "string") return refuse("INVALID_PAYLOAD");
  if (isBlank(text)) return refuse("EMPTY_MESSAGE");
  if (codePointLength(text) > USER_MESSAGE_CODE_POINTS_MAX) return refuse("MESSAGE_TOO_LONG");
  const log = { content: text, contentType: "user_input", eventType: type };
  return { kind: "turn", type, log, userText: text, trigger: text, setsLastEvent: false };
}

function click(frame: QueuedFrame, type: string): Plan {
  const id = frame.data["object_id"];
  if (typeof id !== "string" || isBlank(id)) return { kind: "refuse", code: "CANVAS_CLICK_NO_ID", isTurn: true, type };
  return { kind: "turn", type, log: actionLog(type), trigger: `[click] ${id}`, setsLastEvent: true };
}

export function planOf(frame: QueuedFrame): Plan {
  const { type } = frame;
  if (type === null) return { kind: "refuse", code: "INVALID_PAYLOAD", isTurn: false, type: "other" };
  if (!frame.isDataValid || !frame.isMessageIdValid)
    return { kind: "refuse", code: "INVALID_PAYLOAD", isTurn: false, type };
  if (type === "user_message") return message(frame, type);
  if (type === "canvas_click") return click(frame, type);
  if (type === "end_session") return { kind: "end", type, log: actionLog(type) };
  if (ACTIONS.has(type)) {
    return { kind: "turn", type, log: actionLog(type), trigger: `[action] ${type}`, setsLastEvent: true };
  }
  if (type === "answer") {
    const trigger = `[answer] ${canonicalJson(frame.data["answer_index"] ?? null)}`;
    return { kind: "answer", type, log: actionLog(type), trigger };
  }
  return { kind: "refuse", code: "UNKNOWN_MESSAGE_TYPE", isTurn: false, type: "other" };
}
