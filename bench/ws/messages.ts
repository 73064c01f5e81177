export const MESSAGE_BYTES = 240;

/** So many different messages in turn: a lost, doubled or reordered echo is not the one that is due. */
const VARIANTS = 16;

/**
 * A question of a tutor client that, echoed, is also a full answer: the proxy's codec parses it on its way in, opens a
 * turn, and closes it with the echo. The work it does for a real turn, with no arm's work beside it.
 */
function tutorText(at: number): string {
  const message = (text: string): string =>
    JSON.stringify({
      schema_version: "1.0",
      content_type: "explanation",
      turn_id: `turn-${at}`,
      type: "user_message",
      client_message_id: `message-${at}`,
      data: { text },
    });
  return message("x".repeat(MESSAGE_BYTES - Buffer.byteLength(message(""))));
}

/** Bytes as of a whiteboard update; the proxy looks at none of them. */
const boardBytes = (at: number): Buffer =>
  Buffer.from(Array.from({ length: MESSAGE_BYTES }, (_, i) => (i * 31 + at) % 256));

export const createMessages = (isBinary: boolean): readonly Buffer[] =>
  Array.from({ length: VARIANTS }, (_, at) => (isBinary ? boardBytes(at) : Buffer.from(tutorText(at))));
