// Tables of evidence in a file of its own for each proxy process (shadow §14).

export const SCHEMA_VERSION = 1;

export const SCHEMA = `
CREATE TABLE campaigns (
  id TEXT PRIMARY KEY, unit TEXT NOT NULL, control_build TEXT NOT NULL, candidate_build TEXT NOT NULL,
  rules_hash TEXT NOT NULL, started_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX campaigns_by_unit ON campaigns (unit, started_ms);

-- One row for each minute; after 30 days one for each hour, whose minute is its first.
CREATE TABLE counters (
  campaign TEXT NOT NULL, process TEXT NOT NULL, span TEXT NOT NULL CHECK (span IN ('minute', 'hour')),
  minute INTEGER NOT NULL, route TEXT NOT NULL, counts TEXT NOT NULL,
  PRIMARY KEY (campaign, span, minute, route, process)
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_by_age ON counters (span, minute);

CREATE TABLE families (
  campaign TEXT NOT NULL, name TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (campaign, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
  campaign TEXT NOT NULL, family TEXT NOT NULL, place INTEGER NOT NULL, "group" TEXT NOT NULL,
  at_ms INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (campaign, family, place)
) STRICT;
CREATE INDEX samples_by_group ON samples ("group");
CREATE INDEX samples_by_age ON samples (at_ms);

-- When a process last saved: a start that finds no orderly end marks a gap.
CREATE TABLE processes (
  campaign TEXT NOT NULL, process TEXT NOT NULL, saved_ms INTEGER NOT NULL, is_ended INTEGER NOT NULL,
  PRIMARY KEY (campaign, process)
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
  campaign TEXT NOT NULL, process TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  PRIMARY KEY (campaign, process, from_ms)
) STRICT, WITHOUT ROWID;
`;
