// Inbound frames (contract tutor-socket.md §3): what the reader answers at once, and what enters the queue.
import { isBlank, isMessageKey, replaceLoneSurrogatesDeep } from "../../contract/index.ts";
import { isTooDeep } from "../jsonDepth.ts";
import { type InteractionMode, MODES } from "./context.ts";

export interface QueuedFrame {
  /** Null when the frame cannot be read: no type, no JSON, no object, binary. */
  readonly type: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly isDataValid: boolean;
  readonly mode: InteractionMode | null;
  readonly clientMessageId: string | null;
  readonly isMessageIdValid: boolean;
}

export interface BoardStateResponse {
  readonly requestId: unknown;
  readonly payload: unknown;
  readonly error: unknown;
}

export type Inbound =
  | { readonly kind: "instant"; readonly type: "ping" | "heartbeat" | "system_tick" }
  | { readonly kind: "board"; readonly response: BoardStateResponse }
  | { readonly kind: "queued"; readonly frame: QueuedFrame };

const UNREADABLE: QueuedFrame = {
  type: null,
  data: {},
  isDataValid: false,
  mode: null,
  clientMessageId: null,
  isMessageIdValid: true,
};

type Members = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parse(text: string): Members | null {
  try {
    if (isTooDeep(text)) return null;
    const value: unknown = replaceLoneSurrogatesDeep(JSON.parse(text));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** The first of the two places that holds one of the two values. */
const modeOf = (frame: Members, data: Members): InteractionMode | null =>
  MODES.find((mode) => mode === frame["whiteboard_mode"]) ??
  MODES.find((mode) => mode === data["whiteboard_mode"]) ??
  null;

function queued(frame: Members, type: string): QueuedFrame {
  const given = frame["data"] ?? null;
  const data = isObject(given) ? given : {};
  const id = Object.hasOwn(frame, "client_message_id") ? frame["client_message_id"] : undefined;
  return {
    type,
    data,
    isDataValid: given === null || isObject(given),
    mode: modeOf(frame, data),
    clientMessageId: isMessageKey(id) ? id : null,
    isMessageIdValid: id === undefined || isMessageKey(id),
  };
}

export function readInbound(text: string | null): Inbound {
  const frame = text === null ? null : parse(text);
  const type = frame?.["type"];
  if (!frame || typeof type !== "string" || type === "") return { kind: "queued", frame: UNREADABLE };
  if (type === "ping" || type === "heartbeat" || type === "system_tick") return { kind: "instant", type };
  if (type === "BOARD_STATE_RESPONSE") {
    const response = { requestId: frame["request_id"], payload: frame["payload"], error: frame["error"] };
    return { kind: "board", response };
  }
  return { kind: "queued", frame: queued(frame, type) };
}

/** A response that carries a board, or why it does not. */
export function boardPayload({ payload, error }: BoardStateResponse): readonly unknown[] | null {
  const isFailure = error !== undefined && error !== null && !(typeof error === "string" && isBlank(error));
  return isFailure || !Array.isArray(payload) ? null : payload;
}
