// Refusals in the API's own error shape.

export interface ApiError {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const body = (message: string, type: string, param: string | null, code: string | null): unknown => ({
  error: { message, type, param, code },
});

export const invalidRequest = (message: string, param: string | null = null): ApiError => ({
  status: 400,
  body: body(message, "invalid_request_error", param, null),
});

export const missingKey: ApiError = {
  status: 401,
  body: body("You did not provide an API key.", "invalid_request_error", null, "invalid_api_key"),
};

export const unknownPath = (method: string, path: string): ApiError => ({
  status: 404,
  body: body(`Unknown request URL: ${method} ${path}.`, "invalid_request_error", null, "unknown_url"),
});

export const wrongMethod = (allow: string): ApiError => ({
  status: 405,
  body: body(`This path takes ${allow}.`, "invalid_request_error", null, "method_not_allowed"),
  headers: { allow },
});

export const bodyTooLarge = (bytesMax: number): ApiError => ({
  status: 413,
  body: body(`The body is larger than ${bytesMax} bytes.`, "invalid_request_error", null, "body_too_large"),
  headers: { connection: "close" },
});

export const rateLimited: ApiError = {
  status: 429,
  body: body("Rate limit reached.", "requests", null, "rate_limit_exceeded"),
  headers: { "retry-after": "1" },
};

export const serverError: ApiError = {
  status: 500,
  body: body("The server had an error while processing your request.", "server_error", null, null),
};
