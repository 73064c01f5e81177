// The store over the official clients (embedded-convex.md §6): the only place of the service that calls Convex.
import { ConvexHttpClient } from "convex/browser";
import { type FunctionReference, getFunctionName } from "convex/server";
import { LRUCache } from "lru-cache";
import { api } from "../../convex/_generated/api.js";
import { createConvexFetch } from "./convexFetch.ts";
import { createSubscriptions, type Subscriptions } from "./convexSubscriptions.ts";
import { failureFields, type Log } from "./log.ts";
import { AS_SERVICE, type Identity, type Store, StoreRefusal, StoreUnavailableError } from "./ports.ts";
import type { ServiceTokens } from "./serviceTokens.ts";
import { storeError, storeRequestId } from "./storeErrors.ts";

const CLIENTS_MAX = 1_000;

export interface ConvexClients extends Store {
  /** Live queries, over a socket opened when first asked for. */
  subscriptions(): Subscriptions;
}

export interface ConvexClientsOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly tokens: ServiceTokens;
  readonly log: Log;
  /** How long a call may take. After that a mutation may still happen: each carries what makes its repeat harmless. */
  readonly callMs?: number;
}

type AnyReference = FunctionReference<"query" | "mutation">;

/** The generics of the port are checked where it is called; inside, one signature does. */
interface PlainClient {
  query(reference: unknown, args: object): Promise<unknown>;
  mutation(reference: unknown, args: object, options: { skipQueue: true }): Promise<unknown>;
}

export function createConvexClients({ url, tokens, log, callMs }: ConvexClientsOptions): ConvexClients {
  const wire = createConvexFetch(callMs);
  // A client holds one identity: shared, one caller's token would sign another's call.
  const clients = new LRUCache<string, ConvexHttpClient>({ max: CLIENTS_MAX });
  let live: Subscriptions | null = null;

  function clientOf(identity: Identity): PlainClient {
    const name = identity.role === "user" ? `user:${identity.subject}` : "service";
    let client = clients.get(name);
    if (!client) {
      client = new ConvexHttpClient(url, { logger: false, fetch: wire.fetch });
      clients.set(name, client);
    }
    client.setAuth(tokens.of(identity));
    return client;
  }

  function told(reference: AnyReference, error: unknown): Error {
    const known = storeError(error);
    if (known instanceof StoreRefusal) return known;
    const called = { function: getFunctionName(reference) };
    // The text is ours: a status, a code of the transport, the name of a network failure.
    if (known instanceof StoreUnavailableError) log.warn("store unavailable", { ...called, reason: known.message });
    else log.error("store call failed", { ...called, ...failureFields(error), storeRequestId: storeRequestId(error) });
    return known;
  }

  async function query(reference: AnyReference, args: object, identity: Identity): Promise<unknown> {
    try {
      return await clientOf(identity).query(reference, args);
    } catch (error) {
      throw told(reference, error);
    }
  }

  async function mutation(reference: AnyReference, args: object, identity: Identity): Promise<unknown> {
    try {
      // The client's queue would hold a call behind all earlier ones of its subject; order comes from sessionQueue.ts.
      return await clientOf(identity).mutation(reference, args, { skipQueue: true });
    } catch (error) {
      throw told(reference, error);
    }
  }

  return {
    query,
    mutation,
    // One indexed read as the service: the deployment answers, has our functions and takes our tokens.
    async ping() {
      await query(api.sessions.ownerOf, { id: "" }, AS_SERVICE);
    },
    subscriptions() {
      live ??= createSubscriptions({ url, tokens, log });
      return live;
    },
    async close() {
      await live?.close();
      await wire.close();
    },
  };
}
