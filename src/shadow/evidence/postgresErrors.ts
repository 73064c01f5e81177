// What PostgreSQL and its client say, in evidence's own codes (https://www.postgresql.org/docs/current/errcodes-appendix.html).
import { EvidenceError, type EvidenceErrorCode } from "./evidenceError.ts";

const CODES: Readonly<Record<string, EvidenceErrorCode>> = {
  "25006": "read_only",
  "40001": "busy",
  "40P01": "busy",
  "55P03": "busy",
  "57014": "busy",
  XX001: "broken",
  XX002: "broken",
};
/** The first two characters. */
const CLASSES: Readonly<Record<string, EvidenceErrorCode>> = {
  "08": "lost",
  "25": "lost",
  "28": "lost",
  "3D": "lost",
  "53": "full",
  "57": "lost",
};

/** Whatever has no code of the server's is the connection's own. */
export function postgresError(error: unknown): EvidenceError {
  if (error instanceof EvidenceError) return error;
  const { code } = error as { code?: unknown };
  const isServers = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith("E");
  if (!isServers) return new EvidenceError(error instanceof TypeError ? "failed" : "lost", { cause: error });
  const known = CODES[code] ?? CLASSES[code.slice(0, 2)] ?? "failed";
  return new EvidenceError(known, { detail: `SQLSTATE ${code}`, cause: error });
}
