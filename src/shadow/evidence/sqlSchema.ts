// Tables of evidence (shadow §14), the same in SQLite and PostgreSQL. A family goes by a hash of its name, for names are longer than
// an index may hold.

export const SCHEMA_VERSION = 3;

interface Types {
  /** 64 bits. */
  readonly big: string;
  readonly bytes: string;
  /** Grows by itself. */
  readonly serial: string;
  /** Behind each table. */
  readonly strict: string;
}

export const SQLITE_TYPES: Types = {
  big: "INTEGER",
  bytes: "BLOB",
  serial: "INTEGER PRIMARY KEY AUTOINCREMENT",
  strict: " STRICT",
};
export const POSTGRES_TYPES: Types = {
  big: "BIGINT",
  bytes: "BYTEA",
  serial: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  strict: "",
};

export const schemaOf = ({ big, bytes, serial, strict }: Types): string => `
CREATE TABLE numbers (name TEXT PRIMARY KEY, value ${big} NOT NULL)${strict};
-- minutes_from: minutes before it are hours only. body_bytes: all in bodies.
INSERT INTO numbers VALUES ('minutes_from', 0), ('body_bytes', 0);

CREATE TABLE campaigns (id TEXT PRIMARY KEY, unit TEXT NOT NULL, started_ms ${big} NOT NULL, facts TEXT NOT NULL)${strict};
CREATE INDEX campaigns_by_unit ON campaigns (unit, started_ms);

-- Minutes of each process. Hours and days are sums of them, of process ''; they go when a minute of theirs comes late. After 30
-- days the hours are all there is.
CREATE TABLE counters (
  campaign TEXT NOT NULL, span TEXT NOT NULL CHECK (span IN ('minute', 'hour', 'day')), minute ${big} NOT NULL,
  route TEXT NOT NULL, process TEXT NOT NULL, counts TEXT NOT NULL,
  PRIMARY KEY (campaign, span, minute, route, process)
)${strict};
CREATE INDEX counters_by_age ON counters (span, minute);

-- Hours and days of which something was counted since they were summed.
CREATE TABLE unsummed (
  campaign TEXT NOT NULL, span TEXT NOT NULL, minute ${big} NOT NULL, PRIMARY KEY (campaign, span, minute)
)${strict};

-- One row for each run, added up on read; those of runs that are over are of process ''.
CREATE TABLE families (
  campaign TEXT NOT NULL, family TEXT NOT NULL, process TEXT NOT NULL, state TEXT NOT NULL, last_seen_ms ${big} NOT NULL,
  facts TEXT NOT NULL, PRIMARY KEY (campaign, family, process)
)${strict};
CREATE INDEX families_by_process ON families (campaign, process);
CREATE INDEX families_by_state ON families (state, last_seen_ms);

-- A run that is over keeps its samples' places: bodies are sealed with them.
CREATE TABLE samples (
  campaign TEXT NOT NULL, family TEXT NOT NULL, process TEXT NOT NULL, place ${big} NOT NULL, "group" TEXT NOT NULL,
  at_ms ${big} NOT NULL, body TEXT NOT NULL, PRIMARY KEY (campaign, family, process, place)
)${strict};
CREATE INDEX samples_by_group ON samples ("group");
CREATE INDEX samples_by_age ON samples (at_ms);

CREATE TABLE bodies (
  seq ${serial}, campaign TEXT NOT NULL, family TEXT NOT NULL, process TEXT NOT NULL, place ${big} NOT NULL,
  "group" TEXT NOT NULL, at_ms ${big} NOT NULL, bytes ${big} NOT NULL, sealed ${bytes} NOT NULL,
  UNIQUE (campaign, family, process, place)
)${strict};
CREATE INDEX bodies_by_group ON bodies ("group");
CREATE INDEX bodies_by_age ON bodies (at_ms);

-- When a run last saved, its gauge of groups then, and when it ended or was found dead. Folded: its families are of process '' now, it may not go on.
CREATE TABLE processes (
  campaign TEXT NOT NULL, process TEXT NOT NULL, saved_ms ${big} NOT NULL, ended_ms ${big}, is_folded ${big} NOT NULL,
  group_counts TEXT, PRIMARY KEY (campaign, process)
)${strict};

CREATE TABLE gaps (
  campaign TEXT NOT NULL, process TEXT NOT NULL, from_ms ${big} NOT NULL, to_ms ${big} NOT NULL,
  PRIMARY KEY (campaign, process, from_ms)
)${strict};
`;

export const TABLES_OF_CAMPAIGN = ["counters", "unsummed", "families", "samples", "processes", "gaps"] as const;
