// One call to a backend, over a connection of its own: does it answer, when, and what time is it there?
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { ArmConfig } from "../../config/index.ts";
import type { Clock } from "../../kernel/index.ts";

const ANSWER_MS = 5_000;
const MS_PER_S = 1_000;

export type HttpAnswer =
  | {
      readonly status: number;
      readonly tookMs: number;
      /** Its clock before ours, from `Date` (RFC 9110 §6.6.1), which is exact to a second; null: it tells none. */
      readonly aheadMs: number | null;
    }
  /** Such as `ECONNREFUSED`. */
  | { readonly error: string };

export interface AskHttp {
  readonly origin: string;
  readonly path: string;
  readonly tls?: ArmConfig["tls"];
  readonly clock: Clock;
}

/** Never rejects, and takes seconds at most, whatever answers there. */
export function askHttp({ origin, path, tls, clock }: AskHttp): Promise<HttpAnswer> {
  const { ca = null, isVerified = true } = tls ?? {};
  const url = new URL(path, origin);
  const trust = { rejectUnauthorized: isVerified, ...(ca === null ? {} : { ca }) };
  const startedMs = clock.monotonic();
  const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
  const options = { agent: false, signal: AbortSignal.timeout(ANSWER_MS) } as const;
  const onAnswer = (answer: IncomingMessage): void => {
    const tookMs = clock.monotonic() - startedMs;
    resolve({
      status: answer.statusCode ?? 0,
      tookMs,
      aheadMs: aheadOf(answer.headers.date, clock.now() - tookMs / 2),
    });
    answer.destroy(); // nobody reads the rest
  };
  const asked =
    url.protocol === "https:" ? https.get(url, { ...options, ...trust }, onAnswer) : http.get(url, options, onAnswer);
  asked.on("error", (error) => resolve({ error: causeOf(error) }));
  return promise;
}

/** Cut to its second there. */
function aheadOf(date: string | undefined, nowMs: number): number | null {
  const saidMs = Date.parse(date ?? "");
  return Number.isNaN(saidMs) ? null : saidMs + MS_PER_S / 2 - nowMs;
}

function causeOf({ name, code }: NodeJS.ErrnoException): string {
  if (name === "AbortError" || name === "TimeoutError") return `no answer within ${ANSWER_MS / MS_PER_S} s`;
  return code ?? "no connection";
}
