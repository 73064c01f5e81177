// The closed lists of codes a client may see (rest.md §1, tutor-socket.md §8).

/** `error_code` of E1 and the HTTP status it comes with. */
export const REST_ERROR_STATUS = {
  IDEMPOTENCY_KEY_INVALID: 400,
  IDEMPOTENCY_KEY_REUSED: 409,
  IDEMPOTENCY_IN_PROGRESS: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_FORMAT: 415,
  NO_DOCUMENTS: 400,
  FOLDER_REQUIRED: 400,
  INVALID_FOLDER_ID: 400,
  INVALID_SNAPSHOT_INDEX: 400,
  ANSWER_OUT_OF_RANGE: 400,
  MODEL_BAD_RESPONSE: 502,
  MODEL_RATE_LIMITED: 503,
  MODEL_UNAVAILABLE: 503,
  MODEL_TIMEOUT: 504,
  SESSION_BUSY: 503,
  STORE_UNAVAILABLE: 503,
  SHADOW_REFUSED: 421,
  CURSOR_EXPIRED: 410,
} as const;
export type RestErrorCode = keyof typeof REST_ERROR_STATUS;
export const REST_ERROR_CODES = Object.keys(REST_ERROR_STATUS) as RestErrorCode[];

/** `error_code` of a tutor error envelope. */
export const TUTOR_ERROR_CODES = [
  "INVALID_PAYLOAD",
  "UNKNOWN_MESSAGE_TYPE",
  "EMPTY_MESSAGE",
  "MESSAGE_TOO_LONG",
  "CANVAS_CLICK_NO_ID",
  "QUEUE_OVERFLOW",
  "INVALID_ANSWER_FORMAT",
  "ANSWER_EVAL_INPUT_ERROR",
  "LLM_FORMAT_ERROR",
  "UNKNOWN_TOOL",
  "TOOL_INPUT_VALIDATION_ERROR",
  "MISSING_QUESTION_DATA",
  "INVALID_QUESTION_DATA",
  "TOOL_LOOP_LIMIT",
  "LLM_RATE_LIMITED",
  "LLM_UNAVAILABLE",
  "LLM_TIMEOUT",
  "PLANNING_ERROR",
  "BOARD_STATE_TIMEOUT",
  "BOARD_STATE_ERROR",
  "TURN_TIMEOUT",
  "DISPATCH_ERROR",
  "INTERNAL_ERROR",
] as const;
export type TutorErrorCode = (typeof TUTOR_ERROR_CODES)[number];

/** `type` of an E3 entry. */
export const VIOLATION_TYPES = [
  "missing",
  "model_attributes_type",
  "json_invalid",
  "string_too_short",
  "string_too_long",
  "string_type",
  "int_parsing",
  "int_type",
  "int_from_float",
  "bool_type",
  "bool_parsing",
  "greater_than_equal",
  "less_than_equal",
  "literal_error",
  "uuid_parsing",
  "value_error",
] as const;
export type ViolationType = (typeof VIOLATION_TYPES)[number];
