// The official clients, used as the service uses them (embedded-convex.md §6).
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import { Agent, request } from "undici";
import { WebSocket } from "ws";
import { VoidMeasurement } from "../lib/void.ts";

/** As the service: without a limit, as many calls at once as one likes were as many connections. */
const CONNECTIONS_MAX = 128;
const CALL_MS = 30_000;
const FUNCTION_ANSWERED = new Set([200, 560]);

export interface HttpCalls {
  query<F extends FunctionReference<"query">>(reference: F, args: FunctionArgs<F>): Promise<FunctionReturnType<F>>;
  mutation<F extends FunctionReference<"mutation">>(
    reference: F,
    args: FunctionArgs<F>,
  ): Promise<FunctionReturnType<F>>;
  action<F extends FunctionReference<"action">>(reference: F, args: FunctionArgs<F>): Promise<FunctionReturnType<F>>;
  close(): Promise<void>;
}

interface Init {
  readonly method: "POST";
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The generics are checked at the calls; inside, one signature does. */
interface PlainClient {
  setAuth(token: string): void;
  query(reference: unknown, args: unknown): Promise<unknown>;
  mutation(reference: unknown, args: unknown, options: { skipQueue: true }): Promise<unknown>;
  action(reference: unknown, args: unknown): Promise<unknown>;
}

/** `ConvexHttpClient` over kept-alive connections; any answer but a function's own makes the measurement void. */
export function createHttpCalls(url: string, token: () => string | null = () => null): HttpCalls {
  const pool = new Agent({ connections: CONNECTIONS_MAX, headersTimeout: CALL_MS, bodyTimeout: CALL_MS });
  const pooled = async (address: string, init: Init): Promise<Response> => {
    const { statusCode, body } = await request(address, { ...init, dispatcher: pool });
    const text = await body.text();
    if (FUNCTION_ANSWERED.has(statusCode)) return new Response(text, { status: statusCode });
    throw new VoidMeasurement(`the host answered ${statusCode}: ${text.slice(0, 200)}`);
  };
  const client = new ConvexHttpClient(url, {
    skipConvexDeploymentUrlCheck: true,
    logger: false,
    fetch: pooled as unknown as typeof fetch,
  }) as unknown as PlainClient;
  const call = async (run: () => Promise<unknown>): Promise<never> => {
    const known = token();
    if (known !== null) client.setAuth(known);
    try {
      return (await run()) as never;
    } catch (error) {
      throw error instanceof VoidMeasurement ? error : new VoidMeasurement(`a call failed: ${String(error)}`);
    }
  };
  return {
    query: (reference, args) => call(() => client.query(reference, args)),
    mutation: (reference, args) => call(() => client.mutation(reference, args, { skipQueue: true })),
    action: (reference, args) => call(() => client.action(reference, args)),
    close: () => pool.close(),
  };
}

export const openSocket = (url: string): ConvexClient =>
  new ConvexClient(url, {
    skipConvexDeploymentUrlCheck: true,
    unsavedChangesWarning: false,
    logger: false,
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
  });
