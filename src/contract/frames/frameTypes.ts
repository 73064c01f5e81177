// Types of the frames a tutor client sends (tutor-socket.md §§2–3).

/** Handled by the reader at once, outside the queue (§2). */
export const ASIDE_FRAME_TYPES = ["ping", "heartbeat", "system_tick", "BOARD_STATE_RESPONSE"] as const;

/** Queued and answered by one envelope each; any other type is answered `UNKNOWN_MESSAGE_TYPE`. */
export const TURN_FRAME_TYPES = [
  "user_message",
  "answer",
  "next",
  "previous",
  "summary",
  "start",
  "canvas_click",
  "end_session",
] as const;
export type TurnFrameType = (typeof TURN_FRAME_TYPES)[number];
