// What SQLite and the file system say, in evidence's own codes.
import { EvidenceError, type EvidenceErrorCode } from "./evidenceError.ts";

/** https://sqlite.org/rescode.html; the upper bits only say more. */
const CODES: Readonly<Record<number, EvidenceErrorCode>> = {
  3: "read_only",
  5: "busy",
  6: "busy",
  8: "read_only",
  10: "lost",
  11: "broken",
  13: "full",
  14: "lost",
  26: "broken",
};
/** The file is shorter than it says, or the file system calls it damaged. */
const WHOLE_CODES: Readonly<Record<number, EvidenceErrorCode>> = { 522: "broken", 8458: "broken" };
const SYSTEM: Readonly<Record<string, EvidenceErrorCode>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EROFS: "read_only",
  EACCES: "read_only",
  EPERM: "read_only",
  ENOENT: "lost",
  EIO: "lost",
};

export function sqliteError(error: unknown): EvidenceError {
  if (error instanceof EvidenceError) return error;
  const { errcode, code } = error as { errcode?: number; code?: string };
  const known = errcode === undefined ? SYSTEM[code ?? ""] : (WHOLE_CODES[errcode] ?? CODES[errcode & 0xff]);
  return new EvidenceError(known ?? "failed", { cause: error });
}
