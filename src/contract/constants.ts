// Names and limits several sides of the wire share (contract README §3, G10, G12).

export const CONTRACT_VERSION = "1.0.0";
export const SCHEMA_VERSION = 1;

/** Values nested deeper are refused by name instead of exhausting the stack; no body of the contract comes near. */
export const JSON_DEPTH_MAX = 1_000;
export const JSON_BODY_BYTES_MAX = 1_048_576;
export const SOCKET_MESSAGE_BYTES_MAX = 16 * 1_048_576;
export const USER_MESSAGE_CODE_POINTS_MAX = 8_000;
export const QUEUE_WAITING_MAX = 32;

const VISIBLE_ASCII = /^[\x21-\x7e]{1,128}$/;

/** Form of an `Idempotency-Key` and of a `client_message_id`: 1–128 visible ASCII characters (G10, tutor §6). */
export const isMessageKey = (value: unknown): value is string => typeof value === "string" && VISIBLE_ASCII.test(value);
