/** What the caller can do about it: `refused` = ask differently, `conflict` = look again first, `unavailable` = a file or disk must be repaired. */
const CODES = {
  FLAGS_PERCENT: "refused",
  FLAGS_NAME: "refused",
  FLAGS_DOCUMENT: "unavailable",
  FLAGS_STRATEGY: "conflict",
  FLAGS_OFF: "conflict",
  FLAGS_MOVED: "conflict",
  FLAGS_WRITE: "unavailable",
  PIN_REFUSED: "refused",
  PINS_FULL: "conflict",
  KILL_REFUSED: "refused",
  KILL_FORCED: "conflict",
  STATE_CORRUPT: "unavailable",
  STATE_WRITE: "unavailable",
} as const satisfies Record<string, "refused" | "conflict" | "unavailable">;

export type FlagsErrorCode = keyof typeof CODES;

/** Every refusal of this room; the message is a whole sentence for a person and holds no subject (security D2). */
export class FlagsError extends Error {
  readonly code: FlagsErrorCode;

  constructor(code: FlagsErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "FlagsError";
    this.code = code;
  }

  get kind(): "refused" | "conflict" | "unavailable" {
    return CODES[this.code];
  }
}

/** One line about a library's or the system's error: its code where it has one (security D3), else its message. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === "string" && !(error instanceof FlagsError) ? code : error.message;
}
