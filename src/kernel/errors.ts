/**
 * Our own failures: one class, a closed table of codes, one mapping to HTTP (house.md §4, ux.md §7).
 * Answers of an arm are never turned into these.
 */
interface CodeRow {
  readonly status: number;
  readonly title: string;
}

export const ERROR_CODES = {
  SY_BAD_REQUEST: { status: 400, title: "The request cannot be read in exactly one way" },
  SY_ORIGIN_REFUSED: { status: 403, title: "This origin may not connect" },
  SY_NOT_FOUND: { status: 404, title: "No such route" },
  SY_METHOD_NOT_ALLOWED: { status: 405, title: "The method is not allowed here" },
  SY_HEAD_TIMEOUT: { status: 408, title: "The request head took too long" },
  SY_BODY_TOO_LARGE: { status: 413, title: "The request body is too large" },
  SY_TARGET_TOO_LONG: { status: 414, title: "The request target is too long" },
  SY_EXPECTATION: { status: 417, title: "The expectation cannot be met" },
  SY_MISDIRECTED: { status: 421, title: "This host is not served here" },
  SY_UPGRADE_REQUIRED: { status: 426, title: "Another protocol version is needed" },
  SY_RATE_LIMITED: { status: 429, title: "Too many requests" },
  SY_HEADERS_TOO_LARGE: { status: 431, title: "The request head is too large" },
  SY_INTERNAL: { status: 500, title: "The proxy failed" },
  SY_UPSTREAM_REFUSED: { status: 502, title: "The backend cannot be reached" },
  SY_UPSTREAM_RESET: { status: 502, title: "The backend broke off its answer" },
  SY_OVERLOADED: { status: 503, title: "Too much load" },
  SY_DRAINING: { status: 503, title: "The proxy is stopping" },
  SY_UPSTREAM_TIMEOUT: { status: 504, title: "The backend did not answer in time" },
  SY_LOOP: { status: 508, title: "The request came back to the proxy" },
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;

export class SwitchyardError extends Error {
  readonly code: ErrorCode;
  /** Extra response headers, such as `Allow` or `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, detail: string, options: { cause?: unknown; headers?: Record<string, string> } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SwitchyardError";
    this.code = code;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
}

/** RFC 9457 problem body. `detail` is our own sentence, never a library's (those quote addresses; security D3). */
export function toProblem(code: ErrorCode, detail: string, requestId: string): Problem {
  const row = ERROR_CODES[code];
  const slug = code.slice(3).toLowerCase().replaceAll("_", "-");
  return { type: `urn:switchyard:${slug}`, title: row.title, status: row.status, detail, instance: requestId, code };
}
