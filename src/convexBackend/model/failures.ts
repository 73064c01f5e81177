// How a model call can fail (contract services.md §1).
export type ModelFailureCode = "LLM_RATE_LIMITED" | "LLM_UNAVAILABLE" | "LLM_TIMEOUT";

export class ModelFailure extends Error {
  override readonly name = "ModelFailure";
  readonly code: ModelFailureCode;
  /** Pause the provider asked for. */
  readonly retryAfterMs: number | null;
  readonly isRetried: boolean;
  constructor(code: ModelFailureCode, options: { isRetried: boolean; retryAfterMs?: number | null; cause?: unknown }) {
    super(code, { cause: options.cause });
    this.code = code;
    this.isRetried = options.isRetried;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
