// Error bodies E1, E2, E3 and D (contract rest.md §1). Thrown by handlers, rendered in one place.

export type ErrorFamily = "E1" | "D";

export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, code: string | null, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export interface Violation {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
  readonly ctx?: Readonly<Record<string, unknown>>;
}

/** 422 with one row per violation. */
export class InvalidInputError extends Error {
  override readonly name = "InvalidInputError";
  readonly violations: readonly Violation[];
  constructor(violations: readonly Violation[]) {
    super("invalid input");
    this.violations = violations;
  }
}

export const notFound = (what: string): HttpError => new HttpError(404, null, `${what} not found.`);

export function errorBody(error: HttpError, family: ErrorFamily): string {
  if (family === "D") return JSON.stringify({ detail: error.code ?? error.message });
  return JSON.stringify({ error_code: error.code, error_message: error.message, technical_details: null });
}

/** Key order of E3 rows: type, loc, msg, input, ctx. */
export const violationsBody = (error: InvalidInputError): string =>
  JSON.stringify({
    detail: error.violations.map(({ type, loc, msg, input, ctx }) => ({ type, loc, msg, input, ...(ctx && { ctx }) })),
  });
