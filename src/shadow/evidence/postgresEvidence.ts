// Evidence in PostgreSQL (shadow §14): many processes write at once into one database.
import type { AddableReader, EvidenceStore } from "./model.ts";
import { PostgresDatabase } from "./postgresDatabase.ts";
import { checkKey } from "./sealedBody.ts";
import type { BodiesOptions } from "./sqlBodies.ts";
import { SqlEvidence } from "./sqlEvidence.ts";

/** A process saves every second: one that has not for so long is dead, or its evidence of that time comes later. */
const DEAD_MS = 60_000;
/** A checkpoint takes milliseconds. */
const TIME_MS = 8_000;

export interface PostgresEvidenceOptions {
  /** Epoch ms. */
  readonly now?: () => number;
  /** shadow P2; absent: no bodies are kept. */
  readonly bodies?: BodiesOptions;
  readonly deadAfterMs?: number;
  /** After this a checkpoint or a read is given up; what sums and expires may take four times as long. Whole and even. */
  readonly timeMs?: number;
}

/**
 * Connects when it is first used: a server that is not there rejects with `lost`, and is asked again.
 * @param url as `pg` reads it; of another machine with `sslmode=verify-full`, for evidence is read by whoever reads the wire
 */
export function openPostgresEvidence(url: string, options: PostgresEvidenceOptions = {}): EvidenceStore {
  return open(url, false, options);
}

/** For reports: makes no tables, writes nothing. */
export function openPostgresReader(url: string, options: Pick<PostgresEvidenceOptions, "bodies"> = {}): AddableReader {
  return open(url, true, options);
}

function open(url: string, isReader: boolean, options: PostgresEvidenceOptions): SqlEvidence {
  const { now = Date.now, bodies, deadAfterMs = DEAD_MS, timeMs = TIME_MS } = options;
  if (bodies !== undefined) checkKey(bodies.key); // before anything is open
  const db = new PostgresDatabase({ url, isReader, deadAfterMs, timeMs, monotonic: () => performance.now() });
  return new SqlEvidence(db, { now, ...(bodies !== undefined && { bodies }) });
}
