// What a tutor client's frame asks for (tutor-socket.md §§2, 3, 6).
import { isMessageKey } from "../constants.ts";
import { ASIDE_FRAME_TYPES } from "../frames/frameTypes.ts";
import type { JsonObject } from "../jsonObject.ts";
import { bytesOf, headOf, parseObject } from "./head.ts";
import type { Frame } from "../../proxy/ports.ts";

const ASIDE: ReadonlySet<string> = new Set(ASIDE_FRAME_TYPES);

/** Nothing a turn needs is bigger; beyond it only the head is read and no id is added. */
const PARSE_BYTES_MAX = 1_048_576;

export type ClientIntent =
  | { readonly kind: "aside" }
  /** Enters the queue and is answered by one envelope; `messageId` null = it carries none. */
  | { readonly kind: "turn"; readonly type: string; readonly messageId: string | null };

const HEAD_TYPE = /^\s*\{\s*"type"\s*:\s*"([^"\\]{1,64})"/;

const typeOf = (message: JsonObject): string => (typeof message["type"] === "string" ? message["type"] : "");

function messageOf({ isBinary, data }: Frame): JsonObject | null {
  if (isBinary) return null;
  if (data.length > PARSE_BYTES_MAX) return { type: HEAD_TYPE.exec(headOf(data))?.[1] ?? "" };
  return parseObject(data);
}

/** Every frame that is not handled at once enters the queue, malformed ones too: they are answered `INVALID_PAYLOAD`. */
export function readIntent(frame: Frame): ClientIntent {
  const message = messageOf(frame);
  const type = message ? typeOf(message) : "";
  if (ASIDE.has(type)) return { kind: "aside" };
  const messageId = message?.["client_message_id"];
  return { kind: "turn", type, messageId: isMessageKey(messageId) ? messageId : null };
}

const CLOSING_BRACE = 0x7d;

/** Adds the id as last key of the text; every other byte stays as the client wrote it. */
export function stampTurn(frame: Frame, messageId: string): Frame {
  if (!isMessageKey(messageId)) throw new TypeError("a message id is 1 to 128 visible ASCII characters");
  const { isBinary, data } = frame;
  if (isBinary || data.length > PARSE_BYTES_MAX) return frame;
  const message = parseObject(data);
  // Without a type the frame changes nothing and is a fence; a present id, even an invalid one, is the client's word.
  if (!message || typeOf(message) === "" || ASIDE.has(typeOf(message))) return frame;
  if (Object.hasOwn(message, "client_message_id")) return frame;
  const insertion = bytesOf(`,"client_message_id":${JSON.stringify(messageId)}`);
  const brace = data.lastIndexOf(CLOSING_BRACE);
  const stamped = new Uint8Array(data.length + insertion.length);
  stamped.set(data.subarray(0, brace));
  stamped.set(insertion, brace);
  stamped.set(data.subarray(brace), brace + insertion.length);
  return { isBinary, data: stamped };
}
