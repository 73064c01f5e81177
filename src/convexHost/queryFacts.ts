// What queries gave, for as long as somebody holds it, and which commit made it stale (embedded-convex §3.10).
import { createHash } from "node:crypto";
import { type CommitGroup, CommitLog, staleFrom } from "./commitLog.ts";
import type { KeyInterval, Outcome, TouchedKey } from "./words.ts";

/** What one run of a query gave. */
export interface Fact {
  /** Read at this moment. */
  readonly ts: bigint;
  /** From when on another run may give another result; null: not that we know. Changes while the fact is held. */
  readonly staleAt: bigint | null;
}

export interface QueryResult {
  readonly fact: Fact;
  readonly outcome: Outcome;
  /** Equal digests: the same result, for the client. */
  readonly digest: string;
}

export interface StaleQuery {
  readonly queryId: number;
  readonly staleAt: bigint;
}

/** The facts of one connection, by its query ids. */
export interface Watcher {
  /** Takes over the hold of the one who ran or took the fact; it is in place of the fact before. */
  hold(queryId: number, fact: Fact): void;
  drop(queryId: number): void;
  close(): void;
}

type OnStale = (queries: readonly StaleQuery[]) => void;

interface LiveFact extends Fact {
  readonly key: string;
  readonly reads: readonly KeyInterval[];
  staleAt: bigint | null;
  /** For those who may share it; null when nobody may, or no longer. */
  shared: QueryResult | null;
  /** How many keep it. */
  holds: number;
  readonly holders: Set<{ readonly queryId: number; readonly onStale: OnStale }>;
}

/** A fact that nobody holds is forgotten, so all of this is as large as what the connections watch. */
export class QueryFacts {
  readonly #log = new CommitLog();
  readonly #byIndex = new Map<number, Set<LiveFact>>();
  /** Facts that hold and that depend on nobody's identity. */
  readonly #shareable = new Map<string, LiveFact>();
  #ts: bigint;

  constructor(ts: bigint) {
    this.#ts = ts;
  }

  /** The newest commit heard of: the facts held tell whether one up to here touched them. */
  get ts(): bigint {
    return this.#ts;
  }

  /** A COMMIT. Watchers are told when all of its facts are marked. */
  hear(through: bigint, touched: readonly TouchedKey[]): void {
    const commit: CommitGroup = { after: this.#ts, through, touched };
    if (through > this.#ts) this.#ts = through;
    this.#log.add(commit);
    const told = new Map<OnStale, StaleQuery[]>();
    for (const fact of this.#factsAt(touched)) {
      const staleAt = staleFrom(commit, fact.reads, fact.ts);
      if (staleAt === null) continue;
      fact.staleAt = staleAt;
      this.#unwatch(fact);
      for (const { queryId, onStale } of fact.holders) {
        const queries = told.get(onStale);
        if (queries === undefined) told.set(onStale, [{ queryId, staleAt }]);
        else queries.push({ queryId, staleAt });
      }
    }
    for (const [onStale, queries] of told) onStale(queries);
  }

  /** A run begins: its outcomes are told stale also by what commits before they come. Returns how to end it. */
  beginRun(): () => void {
    return this.#log.begin();
  }

  /** What a run that has not ended yet gave at `ts`, held `holds` times. `key`: equal for whom it may be shared by. */
  learn(key: string, outcome: Outcome, ts: bigint, holds: number): QueryResult {
    const { reads, hasReadIdentity } = outcome;
    const staleAt = this.#log.staleAt(reads, ts);
    const fact: LiveFact = { key, reads, ts, staleAt, shared: null, holds, holders: new Set() };
    const result: QueryResult = { fact, outcome, digest: digestOf(outcome) };
    if (staleAt !== null) return result;
    for (const { index } of reads) {
      const facts = this.#byIndex.get(index);
      if (facts === undefined) this.#byIndex.set(index, new Set([fact]));
      else facts.add(fact);
    }
    if (!hasReadIdentity) {
      fact.shared = result;
      this.#shareable.set(key, fact);
    }
    return result;
  }

  /** A result that still holds and belongs to nobody alone, held once more; undefined when there is none. */
  take(key: string): QueryResult | undefined {
    const fact = this.#shareable.get(key);
    if (fact === undefined || fact.shared === null) return undefined;
    fact.holds += 1;
    return fact.shared;
  }

  release(fact: Fact): void {
    const live = fact as LiveFact;
    live.holds -= 1;
    if (live.holds === 0) this.#unwatch(live);
  }

  /** `onStale` is told of the facts held that a commit made stale, each once. */
  watch(onStale: OnStale): Watcher {
    const held = new Map<number, { readonly fact: LiveFact; readonly holder: { queryId: number; onStale: OnStale } }>();
    const drop = (queryId: number) => {
      const entry = held.get(queryId);
      if (entry === undefined) return;
      held.delete(queryId);
      entry.fact.holders.delete(entry.holder);
      this.release(entry.fact);
    };
    return {
      hold: (queryId, fact) => {
        drop(queryId);
        const entry = { fact: fact as LiveFact, holder: { queryId, onStale } };
        entry.fact.holders.add(entry.holder);
        held.set(queryId, entry);
      },
      drop,
      close: () => {
        for (const queryId of held.keys()) drop(queryId);
      },
    };
  }

  /** How many facts are kept, to be compared with commits or to be shared. */
  get watched(): number {
    return new Set([...this.#byIndex.values(), this.#shareable.values()].flatMap((facts) => [...facts])).size;
  }

  #factsAt(touched: readonly TouchedKey[]): ReadonlySet<LiveFact> {
    const found = new Set<LiveFact>();
    if (this.#byIndex.size === 0) return found;
    for (const index of new Set(touched.map((key) => key.index))) {
      for (const fact of this.#byIndex.get(index) ?? []) found.add(fact);
    }
    return found;
  }

  #unwatch(fact: LiveFact): void {
    fact.shared = null;
    if (this.#shareable.get(fact.key) === fact) this.#shareable.delete(fact.key);
    for (const { index } of fact.reads) {
      const facts = this.#byIndex.get(index);
      if (facts?.delete(fact) === true && facts.size === 0) this.#byIndex.delete(index);
    }
  }
}

/** The id in a failure's message is another one in every run: no news for the client. */
function digestOf({ result, journal }: Outcome): string {
  const hash = createHash("sha256").update(JSON.stringify(journal));
  if ("valueJson" in result) return hash.update(":").update(result.valueJson).digest("base64");
  const message = result.failure.message.replace(/^\[Request ID: [^\]]*\]/, "");
  return hash
    .update("!")
    .update(JSON.stringify([message, result.failure.data]))
    .digest("base64");
}
