// What handlers and sockets share.
import type { Config } from "./config.ts";
import type { Boards } from "./board/boards.ts";
import type { DerivedIds } from "./derivedIds.ts";
import type { Switchboard } from "./faults/switchboard.ts";
import type { Gate } from "./auth/gate.ts";
import type { Tokens } from "./auth/tokens.ts";
import type { KeyedRuns } from "./http/keyed.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Clock, Store } from "./ports.ts";
import type { SessionLeases } from "./sessionLeases.ts";
import type { SessionQueues } from "./sessionQueue.ts";
import type { SessionWatches } from "./sessionWatches.ts";
import type { ModelClient } from "./model/client.ts";

export interface Services {
  readonly config: Config;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly faults: Switchboard;
  readonly ids: DerivedIds;
  readonly tokens: Tokens;
  readonly gate: Gate;
  readonly queues: SessionQueues;
  readonly leases: SessionLeases;
  readonly watches: SessionWatches;
  readonly keyedRuns: KeyedRuns;
  readonly boards: Boards;
  readonly model: ModelClient;
  /** Closes the open sockets of a deleted session. */
  readonly closeSession: (sessionId: string) => void;
  readonly isStopping: () => boolean;
}
