// One call to a backend, over a connection of its own: does it answer, when, and what time is it there?
import { Client } from "undici";
import type { ArmConfig } from "../../config/index.ts";
import type { Clock } from "../../kernel/index.ts";

const CONNECT_MS = 2_000;
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
export async function askHttp({ origin, path, tls, clock }: AskHttp): Promise<HttpAnswer> {
  const { ca = null, isVerified = true } = tls ?? {};
  const client = new Client(origin, {
    connect: { timeout: CONNECT_MS, rejectUnauthorized: isVerified, ...(ca === null ? {} : { ca }) },
  });
  const startedMs = clock.monotonic();
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { statusCode: status, headers, body } = await client.request({ method: "GET", path, signal });
    const tookMs = clock.monotonic() - startedMs;
    const nowMs = clock.now();
    body.on("error", () => {}).destroy(); // nobody reads it
    const saidMs = Date.parse(String(headers["date"]));
    // Cut to its second there, half a way ago.
    const aheadMs = Number.isNaN(saidMs) ? null : saidMs + MS_PER_S / 2 - (nowMs - tookMs / 2);
    return { status, tookMs, aheadMs };
  } catch (error) {
    return { error: causeOf(error) };
  } finally {
    await client.destroy();
  }
}

function causeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  if (name === "TimeoutError") return `no answer within ${ANSWER_MS / MS_PER_S} s`;
  return typeof code === "string" ? code : "no connection";
}
