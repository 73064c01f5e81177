// The completion cassette (shadow §12): the served arms' model calls are recorded, the shadow targets get the same answers back.
import { randomUUID } from "node:crypto";
import type { Clock } from "../../kernel/index.ts";
import { BodyBudget } from "./bodyCopy.ts";
import { CASSETTE_LIMITS, type CassetteLimits } from "./limits.ts";
import { listen, type ListenAddress, type Listener } from "./listener.ts";
import { MissLog, type MissPage } from "./missLog.ts";
import { Occurrences } from "./occurrences.ts";
import type { CassetteCounters, CassetteLog, CassetteMiss, ModelKeyOf, TokensOf } from "./ports.ts";
import { createProvider } from "./provider.ts";
import { createProviderWatch, createRecordHandler } from "./recordServer.ts";
import { createReplayHandler } from "./replayServer.ts";
import { TapeShelf } from "./tapeShelf.ts";
import { TokenBudget } from "./tokenBudget.ts";

export interface CassetteOptions {
  /** Base URL of the model provider: `http://127.0.0.1:8003/v1`. */
  readonly provider: string;
  readonly record: ListenAddress;
  readonly replay: ListenAddress;
  readonly keyOf: ModelKeyOf;
  readonly clock: Clock;
  readonly counters: CassetteCounters;
  readonly log: CassetteLog;
  readonly limits?: Partial<CassetteLimits>;
  /** Shadow targets ask the models themselves (shadow K6), and spend at most so much; otherwise they get what was recorded. */
  readonly live?: { readonly tokensPerHour: number; readonly tokensOf: TokensOf };
  /** For `GET /misses` at the replay listener. */
  readonly missesToken?: string;
  readonly onMiss?: (miss: CassetteMiss) => void;
}

export interface CassetteAddresses {
  readonly record: ListenAddress;
  readonly replay: ListenAddress;
  /** Model base URLs: with the path of the provider's. */
  readonly recordUrl: string;
  readonly replayUrl: string;
}

export interface Cassette {
  /** Once. Rejects with the system's error when a port cannot be had; nothing listens then. */
  start(): Promise<CassetteAddresses>;
  /** What the process holds now; for gauges. */
  stats(): { readonly recordings: number; readonly bytes: number; readonly waiting: number };
  /** Those after number `since`. */
  misses(since: number): MissPage;
  /** Running calls may end for a moment; then everything is cut and forgotten. */
  close(): Promise<void>;
}

/** @throws RangeError for a provider URL that is none */
export function createCassette(options: CassetteOptions): Cassette {
  const { clock, counters, keyOf, log } = options;
  const limits: CassetteLimits = { ...CASSETTE_LIMITS, ...options.limits };
  const provider = createProvider(options.provider);
  const { dropped } = counters;
  const shelf = new TapeShelf({ limits, clock, dropped });
  const onFull = (): void => dropped("misses_full");
  const { live } = options;
  const misses = new MissLog({
    boot: randomUUID(),
    most: limits.missesMax,
    live: live !== undefined,
    onDrop: onFull,
  });
  const closing = new AbortController();
  const waiting = { count: 0 };
  const common = { shelf, keyOf, limits, budget: new BodyBudget(limits.bodiesBytesMax) };
  const onProvider = createProviderWatch(log);
  const recording = createRecordHandler({ ...common, provider, onProvider });
  const replaying = createReplayHandler({
    ...common,
    clock,
    counters,
    waiting,
    misses,
    live:
      live === undefined
        ? null
        : { provider, onProvider, tokensOf: live.tokensOf, budget: new TokenBudget(clock, live.tokensPerHour) },
    basePath: provider.basePath,
    occurrences: new Occurrences(clock, {
      most: limits.occurrencesMax,
      ageMs: limits.ageMs,
      onDrop: () => dropped("occurrences_full"),
    }),
    missesToken: options.missesToken ?? null,
    closing: closing.signal,
    onMiss: (miss) => {
      const numbered = misses.add(miss);
      options.onMiss?.(numbered);
    },
    onError: (error) => log("cassette.failed", { error: error instanceof Error ? error.name : "unknown" }, "error"),
  });
  const listeners: Listener[] = [];

  async function open(at: ListenAddress, handle: typeof recording): Promise<ListenAddress> {
    const onDrop = (): void => dropped("connections");
    const listener = await listen({ at, handle, clock, connectionsMax: limits.connectionsMax, onDrop });
    listeners.push(listener);
    return listener.address;
  }
  async function close(): Promise<void> {
    closing.abort();
    await Promise.all(listeners.splice(0).map((listener) => listener.close(limits.drainMs)));
    provider.close();
    shelf.clear();
    log("cassette.stopped", {}, "info");
  }

  return {
    async start() {
      try {
        const record = await open(options.record, recording);
        const replay = await open(options.replay, replaying);
        const urlOf = ({ host, port }: ListenAddress): string =>
          `http://${host.includes(":") ? `[${host}]` : host}:${port}${provider.basePath}`;
        const addresses = { record, replay, recordUrl: urlOf(record), replayUrl: urlOf(replay) };
        const { recordUrl, replayUrl } = addresses;
        log("cassette.started", { record: recordUrl, replay: replayUrl, live: live !== undefined }, "info");
        return addresses;
      } catch (error) {
        await close();
        throw error;
      }
    },
    stats: () => ({ recordings: shelf.size, bytes: shelf.bytes, waiting: waiting.count }),
    misses: (since) => misses.since(since),
    close,
  };
}
