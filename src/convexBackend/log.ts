// One JSON line per request, handshake, turn and close. Never a token, a query string, a body or a text of a user.
import { pino } from "pino";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
}

export function createLog(): Log {
  const lines = pino({
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level) => ({ level }) },
  });
  return {
    info: (msg, fields = {}) => lines.info(fields, msg),
    warn: (msg, fields = {}) => lines.warn(fields, msg),
    error: (msg, fields = {}) => lines.error(fields, msg),
  };
}

/** What of an unexpected failure may be logged: its name and place, never its text (it may quote user input). */
export function failureFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { failure: typeof error };
  const place = error.stack?.split("\n").find((line) => line.includes("/convex"));
  return { failure: error.name, place: place?.trim().replace(/^.*\/(src|convex)\//, "$1/") };
}
