import type { Failures } from "./failures.ts";

const TIMEOUT_MS = 20_000;
const RETRY_AFTER_MAX_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly json: unknown;
  /** What `Retry-After` asks for; 0 without one. */
  readonly retryAfterMs: number;
}

/** The call got no answer at all (connection refused, reset, timeout). */
export class NoAnswer extends Error {}

/** The platform answered, but not with what was asked for. */
export class Unexpected extends Error {
  readonly status: number;
  readonly retryAfterMs: number;
  constructor(what: string, answer: Answer) {
    super(`${what}: ${answer.status} ${problemCode(answer.json)}`.trim());
    this.status = answer.status;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

function problemCode(json: unknown): string {
  const { code, error_code, detail } = (json ?? {}) as Record<string, unknown>;
  const first = [code, error_code, detail].find((value) => typeof value === "string");
  return typeof first === "string" ? first.slice(0, 100) : "";
}

export interface ApiCall {
  readonly method: "GET" | "POST" | "DELETE";
  /** Template for the count (`GET /api/v1/sessions/:id/messages`). */
  readonly name: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  /** Statuses that are a right answer; others are counted as failures. */
  readonly expect: readonly number[];
}

/** Calls of one student through the proxy. Every call has a deadline; nothing is repeated here. */
export function createApi(base: string, failures: Failures, signal: AbortSignal) {
  return {
    async call(call: ApiCall): Promise<Answer> {
      let answer: Answer;
      try {
        answer = await send(base, call, signal);
      } catch (cause) {
        if (!signal.aborted) failures.bad(call.name, reasonOf(cause));
        throw new NoAnswer(`${call.name}: ${reasonOf(cause)}`, { cause });
      }
      if (!call.expect.includes(answer.status)) {
        const error = new Unexpected(call.name, answer);
        failures.bad(call.name, error.message);
        throw error;
      }
      failures.good();
      return answer;
    },
  };
}
export type Api = ReturnType<typeof createApi>;

async function send(base: string, { method, path, token, body }: ApiCall, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const retryAfter = Number(response.headers.get("retry-after") ?? 0);
  const retryAfterMs = Number.isFinite(retryAfter) ? Math.min(RETRY_AFTER_MAX_MS, Math.max(0, retryAfter * 1_000)) : 0;
  return { status: response.status, json: parse(text), retryAfterMs };
}

function parse(text: string): unknown {
  try {
    return text === "" ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}

export function reasonOf(error: unknown): string {
  const { cause, code, message } = error as { cause?: { code?: string }; code?: string; message?: string };
  return cause?.code ?? code ?? message ?? String(error);
}
