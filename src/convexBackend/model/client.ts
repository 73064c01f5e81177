// Chat completions over an OpenAI-compatible API (contract services.md §1). One call is one attempt; retries are here too.
import { setTimeout as delay } from "node:timers/promises";
import OpenAI, { APIError } from "openai";
import type { Config } from "../config.ts";
import type { Metrics } from "../metrics.ts";
import { ModelFailure } from "./failures.ts";

const ATTEMPTS = 3;
const RETRY_AFTER_MAX_MS = 5_000;
/** A reply of more is no reply: it would fill memory and no document could hold it. */
const REPLY_CHARACTERS_MAX = 512 * 1_024;

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatRequest {
  readonly kind: string;
  readonly messages: readonly ChatMessage[];
  readonly temperature: number;
  readonly isJson: boolean;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Wanted: called with every piece of the reply as it comes. */
  readonly onPiece?: (piece: string) => void;
  /** The pieces so far are void: the attempt failed and another follows or not. */
  readonly onRestart?: () => void;
}

export interface ModelClient {
  /** Throws {@link ModelFailure} after the attempts of the table; the signal's reason when aborted. */
  chat(request: ChatRequest): Promise<string>;
}

const phaseOf = (kind: string): string =>
  /^(?:tutor\.executor|chat|conversation)\//.test(kind)
    ? "interaction"
    : kind.startsWith("planner/")
      ? "planning"
      : /^(?:lesson|lesson_plan|quiz)\//.test(kind)
        ? "generation"
        : "analysis";

function retryAfter(headers: Headers | undefined): number | null {
  const seconds = Number(headers?.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1_000, RETRY_AFTER_MAX_MS) : null;
}

function failureOf(error: unknown): ModelFailure {
  if (error instanceof ModelFailure) return error;
  const status = error instanceof APIError ? (error.status as number | undefined) : undefined;
  if (status === 429 && error instanceof APIError) {
    return new ModelFailure("LLM_RATE_LIMITED", {
      isRetried: true,
      retryAfterMs: retryAfter(error.headers as Headers | undefined),
      cause: error,
    });
  }
  // Connect errors, broken streams and 5xx are tried again; other refusals would only be repeated.
  const isRetried = status === undefined || status >= 500;
  return new ModelFailure("LLM_UNAVAILABLE", { isRetried, cause: error });
}

export function createModelClient(config: Config["model"], metrics: Metrics): ModelClient {
  const openai = new OpenAI({ baseURL: config.baseUrl, apiKey: config.apiKey, maxRetries: 0, logLevel: "off" });

  const bodyOf = (request: ChatRequest) => ({
    model: config.name,
    messages: request.messages.map(({ role, content }) => ({ role, content })),
    temperature: request.temperature,
    ...(request.isJson && { response_format: { type: "json_object" as const } }),
  });
  function count(usage: { prompt_tokens?: number; completion_tokens?: number } | null | undefined, kind: string): void {
    const tokens = (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0);
    if (tokens > 0) metrics.tokens.labels({ model: config.name, phase: phaseOf(kind) }).inc(tokens);
  }
  const broken = (cause?: unknown): ModelFailure => new ModelFailure("LLM_UNAVAILABLE", { isRetried: true, cause });

  async function plain(request: ChatRequest, options: OpenAI.RequestOptions): Promise<string> {
    const completion = await openai.chat.completions.create(bodyOf(request), options);
    const text = completion.choices?.[0]?.message?.content;
    if (typeof text !== "string") throw broken();
    count(completion.usage, request.kind);
    return text.slice(0, REPLY_CHARACTERS_MAX);
  }

  async function streamed(request: ChatRequest, options: OpenAI.RequestOptions): Promise<string> {
    const body = { ...bodyOf(request), stream: true as const, stream_options: { include_usage: true } };
    const events = await openai.chat.completions.create(body, options);
    let text = "";
    let isFinished = false;
    for await (const event of events) {
      const choice = event.choices?.[0];
      const piece = choice?.delta?.content;
      if (piece) {
        text += piece;
        if (text.length > REPLY_CHARACTERS_MAX) throw broken();
        request.onPiece?.(piece);
      }
      if (choice?.finish_reason) isFinished = true;
      count(event.usage, request.kind);
    }
    // A stream that ends without a reason was cut off by someone who closed it politely.
    if (!isFinished) throw broken();
    return text;
  }

  async function attempt(request: ChatRequest): Promise<string> {
    const deadline = AbortSignal.timeout(config.timeoutMs);
    const options = {
      signal: AbortSignal.any([request.signal, deadline]),
      headers: { "X-Request-Id": request.requestId, "X-Model-Call": request.kind },
      timeout: config.timeoutMs + 1_000,
    };
    const started = performance.now();
    let outcome = "ok";
    try {
      return await (request.onPiece ? streamed(request, options) : plain(request, options));
    } catch (error) {
      request.signal.throwIfAborted();
      const failure = deadline.aborted
        ? new ModelFailure("LLM_TIMEOUT", { isRetried: false, cause: error })
        : failureOf(error);
      outcome = failure.code;
      throw failure;
    } finally {
      metrics.modelRequests.labels({ kind: request.kind, outcome }).inc();
      metrics.modelSeconds.labels({ kind: request.kind }).observe((performance.now() - started) / 1_000);
    }
  }

  return {
    async chat(request) {
      for (let n = 1; ; n += 1) {
        try {
          return await attempt(request);
        } catch (error) {
          request.onRestart?.();
          if (!(error instanceof ModelFailure) || !error.isRetried || n >= ATTEMPTS) throw error;
          await delay(error.retryAfterMs ?? config.retryPauseMs * n, undefined, { signal: request.signal });
        }
      }
    },
  };
}
