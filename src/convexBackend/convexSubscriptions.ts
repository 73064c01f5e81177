// Live queries of the service itself, over one socket. Calls of a user's turn go over HTTP (convexClients.ts): here they
// would wait for a transition, and wait for ever while the deployment is away.
import { ConvexClient } from "convex/browser";
import { type FunctionArgs, type FunctionReference, type FunctionReturnType, getFunctionName } from "convex/server";
import { failureFields, type Log } from "./log.ts";
import { AS_SERVICE } from "./ports.ts";
import type { ServiceTokens } from "./serviceTokens.ts";
import { storeError } from "./storeErrors.ts";

/** As early as a cached token counts as used up. */
const REFRESH_EARLY_S = 30;
const REFUSED_PAUSE_MS = 5_000;

export interface Subscriptions {
  /**
   * Calls back with the query's value and after each change of it, as the service. `onError` is told when the query
   * fails or the callback throws; the subscription goes on. Returns how to end it.
   */
  subscribe<F extends FunctionReference<"query">>(
    reference: F,
    args: FunctionArgs<F>,
    onValue: (value: FunctionReturnType<F>) => void,
    onError: (error: Error) => void,
  ): () => void;
  /** An open socket keeps the process alive. */
  close(): Promise<void>;
}

export interface SubscriptionsOptions {
  readonly url: string;
  readonly tokens: ServiceTokens;
  readonly log: Log;
  readonly refusedPauseMs?: number;
}

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { url, tokens, log, refusedPauseMs = REFUSED_PAUSE_MS } = options;
  const client = new ConvexClient(url, {
    logger: false,
    // Nothing is asked before the token is there: as nobody, every query is refused.
    expectAuth: true,
    authRefreshTokenLeewaySeconds: REFRESH_EARLY_S,
  });
  let retry: NodeJS.Timeout | undefined;

  function authenticate(): void {
    client.setAuth(
      ({ forceRefreshToken }) => Promise.resolve(tokens.of(AS_SERVICE, { isFresh: forceRefreshToken })),
      (isAuthenticated) => {
        if (isAuthenticated || client.closed) return;
        // The client gives up after a few refused tokens and would go on as nobody.
        log.warn("service token refused");
        clearTimeout(retry);
        retry = setTimeout(authenticate, refusedPauseMs);
      },
    );
  }
  authenticate();

  return {
    subscribe(reference, args, onValue, onError) {
      const failed = (error: unknown): void => {
        const known = storeError(error);
        log.warn("subscription failed", { function: getFunctionName(reference), ...failureFields(known) });
        onError(known);
      };
      const changed = (value: FunctionReturnType<typeof reference>): void => {
        // The client lets what a callback throws end the process.
        try {
          onValue(value);
        } catch (error) {
          failed(error);
        }
      };
      return client.onUpdate(reference, args, changed, failed).unsubscribe;
    },
    async close() {
      clearTimeout(retry);
      await client.close();
    },
  };
}
