/** Refusals of the admin listener: a closed table, and always a `next` sentence (ux.md §1 rule 5). */
export const ADMIN_ERRORS = {
  ADMIN_BAD_REQUEST: { status: 400, title: "The request is not understood" },
  ADMIN_TOKEN_MISSING: { status: 401, title: "A token is needed" },
  ADMIN_TOKEN_WRONG: { status: 401, title: "The token is not accepted" },
  ADMIN_VIEW_ONLY: { status: 403, title: "This token may only read" },
  ADMIN_READ_ONLY: { status: 403, title: "Changes are switched off here" },
  ADMIN_ORIGIN_REFUSED: { status: 403, title: "Requests of other sites are refused" },
  ADMIN_NOT_FOUND: { status: 404, title: "No such thing" },
  ADMIN_METHOD_NOT_ALLOWED: { status: 405, title: "The method is not allowed here" },
  ADMIN_REFUSED: { status: 409, title: "The change was refused" },
  ADMIN_BODY_TOO_LARGE: { status: 413, title: "The request body is too large" },
  ADMIN_MEDIA_TYPE: { status: 415, title: "The request body must be JSON" },
  ADMIN_HOST_REFUSED: { status: 421, title: "This host name is not served here" },
  ADMIN_LOCKED: { status: 429, title: "Too many wrong tokens" },
  ADMIN_RATE_LIMITED: { status: 429, title: "Too many requests" },
  ADMIN_INTERNAL: { status: 500, title: "The admin listener failed" },
  ADMIN_UNAVAILABLE: { status: 503, title: "Not available at the moment" },
} as const satisfies Record<string, { status: number; title: string }>;

export type AdminErrorCode = keyof typeof ADMIN_ERRORS;

export class AdminError extends Error {
  readonly code: AdminErrorCode;
  readonly next: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: AdminErrorCode, detail: string, next: string, headers: Record<string, string> = {}) {
    super(detail);
    this.name = "AdminError";
    this.code = code;
    this.next = next;
    this.headers = headers;
  }

  get status(): number {
    return ADMIN_ERRORS[this.code].status;
  }
}

/** RFC 9457 problem body with the extension member `next`: what the reader does now. */
export interface AdminProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly next: string;
  readonly code: AdminErrorCode;
}

export function toAdminProblem(error: AdminError): AdminProblem {
  const { status, title } = ADMIN_ERRORS[error.code];
  const slug = error.code.toLowerCase().replaceAll("_", "-");
  return { type: `urn:switchyard:${slug}`, title, status, detail: error.message, next: error.next, code: error.code };
}
