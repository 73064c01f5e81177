// The wire under the official HTTP clients (embedded-convex.md §6): kept-alive connections, a limit on everything, and the
// refusals of the transport told by their status. What a function answered, 200 or 560, is the client's to read.
import { Agent, request } from "undici";
import { StoreUnavailableError } from "./ports.ts";

const CALL_MS = 10_000;
const CONNECT_MS = 5_000;
/** Below the 1,000 connections of a host (embedded-convex.md §3.8); further calls wait here, within their time. */
const CONNECTIONS_MAX = 128;
/** A server that closes sooner says so in its answers, and is believed. */
const IDLE_MS = 30_000;
/** Values are at most 16 MiB (§3.8); as JSON text they are longer. */
const ANSWER_BYTES_MAX = 64 * 1_048_576;
const FUNCTION_ANSWERED = new Set([200, 560]);
/** The call itself is wrong: repeating it helps nobody. */
const CALL_REFUSED = new Set([400, 413]);

export interface ConvexFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Resolves once running calls have ended, which takes no longer than one may take. */
  close(): Promise<void>;
}

interface Init {
  readonly method: "POST";
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A code of the transport, never its text: that may quote the call. */
function codeOf(text: string): string {
  const code = /"code"\s*:\s*"([A-Za-z]{1,64})"/.exec(text)?.[1];
  return code === undefined ? "" : ` ${code}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return (error as NodeJS.ErrnoException).code?.toString() ?? error.name;
}

export function createConvexFetch(callMs = CALL_MS): ConvexFetch {
  const pool = new Agent({
    connections: CONNECTIONS_MAX,
    keepAliveTimeout: IDLE_MS,
    connect: { timeout: CONNECT_MS },
    maxResponseSize: ANSWER_BYTES_MAX,
  });

  async function answerTo(url: string, init: Init): Promise<{ status: number; text: string }> {
    try {
      const signal = AbortSignal.timeout(callMs);
      const { statusCode, body } = await request(url, { ...init, dispatcher: pool, signal });
      return { status: statusCode, text: await body.text() };
    } catch (cause) {
      const reason = (cause as Error)?.name === "TimeoutError" ? `nothing within ${callMs} ms` : reasonOf(cause);
      throw new StoreUnavailableError(`the deployment did not answer: ${reason}`, { cause });
    }
  }

  const fetch = async (url: string, init: Init): Promise<Response> => {
    const { status, text } = await answerTo(url, init);
    if (FUNCTION_ANSWERED.has(status)) return new Response(text, { status });
    const said = `the deployment answered ${status}${codeOf(text)}`;
    throw CALL_REFUSED.has(status) ? new Error(said) : new StoreUnavailableError(said);
  };

  let closed: Promise<void> | null = null;
  return {
    fetch: fetch as unknown as typeof globalThis.fetch,
    close() {
      closed ??= pool.close();
      return closed;
    },
  };
}
