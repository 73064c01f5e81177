// Why evidence could not be kept or read (shadow §14): one class, a closed table of codes. None of them ever reaches a client.

export const EVIDENCE_ERRORS = {
  full: "there is no room left for evidence",
  empty: "nothing was written to the file of evidence yet",
  broken: "the file of evidence is damaged",
  read_only: "evidence cannot be written here",
  lost: "the store of evidence cannot be reached",
  busy: "the store of evidence is held by another for too long",
  over: "this run was taken for dead and added up: it must begin anew, under another name",
  format: "the evidence is of another version of switchyard",
  key: "a key for bodies has 32 bytes",
  unreadable: "the body was changed, or sealed with another key",
  failed: "the store of evidence failed",
} as const;
export type EvidenceErrorCode = keyof typeof EVIDENCE_ERRORS;

export class EvidenceError extends Error {
  readonly code: EvidenceErrorCode;

  constructor(code: EvidenceErrorCode, options: { detail?: string; cause?: unknown } = {}) {
    const detail = options.detail === undefined ? "" : `: ${options.detail}`;
    super(EVIDENCE_ERRORS[code] + detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EvidenceError";
    this.code = code;
  }
}
