// Evidence in one SQLite file (shadow §14): embedded, the default.
import type { AddableReader, EvidenceStore } from "./model.ts";
import { checkKey } from "./sealedBody.ts";
import type { BodiesOptions } from "./sqlBodies.ts";
import { SqlEvidence } from "./sqlEvidence.ts";
import { SqliteDatabase } from "./sqliteDatabase.ts";

/** A file that is full rejects with `full`, and goes on when what is over its time has gone. */
const BYTES_MAX = 4 * 1024 ** 3;

export interface SqliteEvidenceOptions {
  /** Epoch ms. */
  readonly now?: () => number;
  readonly bytesMax?: number;
  /** shadow P2; absent: no bodies are kept. */
  readonly bodies?: BodiesOptions;
  /** The file was damaged: where it is now. Also later than at the start. */
  readonly onMovedAside?: (file: string) => void;
  /** The file of another process: one that is damaged is left as it is, and none is begun. */
  readonly isGuest?: boolean;
}

export interface SqliteReaderOptions extends Pick<SqliteEvidenceOptions, "bodies"> {
  /** All is of the moment at which it was opened. Not for long: meanwhile the file of what is written only grows. */
  readonly isOneMoment?: boolean;
}

/** @throws EvidenceError when the file cannot be opened, or is of another version */
export function openSqliteEvidence(file: string, options: SqliteEvidenceOptions = {}): EvidenceStore {
  return open({ file, isReader: false, ...options });
}

/** For reports beside the process that writes it. @throws EvidenceError also when there is no such file */
export function openSqliteReader(file: string, options: SqliteReaderOptions = {}): AddableReader {
  return open({ file, isReader: true, ...options });
}

interface Opening extends SqliteEvidenceOptions, SqliteReaderOptions {
  readonly file: string;
  readonly isReader: boolean;
}

function open({ now = Date.now, bytesMax = BYTES_MAX, bodies, onMovedAside = () => {}, ...use }: Opening): SqlEvidence {
  if (bodies !== undefined) checkKey(bodies.key); // before anything is open
  const db = new SqliteDatabase({ ...use, bytesMax, now, onMovedAside });
  return new SqlEvidence(db, { now, ...(bodies !== undefined && { bodies }) });
}
