// A world around one sync session, driven by a list of numbers: commits, runs that end late, a token that takes its time, and
// a client that checks every message as the official one does, and every value against the history.
import assert from "node:assert/strict";
import type { Fact } from "../queryFacts.ts";
import { openSession, reduce } from "../syncSession.ts";
import type { Effect, RanQuery, SessionHappening, SessionState } from "../syncState.ts";
import type { AddedQuery, ClientMessage, ServerMessage, Version } from "../syncWire.ts";
import type { Caller, Outcome } from "../words.ts";

const KEYS = 3;
const NOW_MS = 1_000_000;

interface ModelFact extends Fact {
  readonly key: number;
  staleAt: bigint | null;
}
type Pending<T extends Effect["type"]> = Effect & { readonly type: T };
interface PendingRun {
  readonly effect: Pending<"run">;
  readonly heardTs: bigint;
  readonly newestTs: bigint;
}
interface PendingCall {
  readonly effect: Pending<"call">;
  outcome: Outcome | null;
}
type QuerySet = ReadonlyMap<number, AddedQuery>;

export class SyncModel {
  state: SessionState = openSession(NOW_MS);
  /** Statistics, so that a test can see that it was no idle run. */
  transitions = 0;
  aloneRuns = 0;
  staleRuns = 0;
  emptyTransitions = 0;
  #newestTs = 100n;
  #heardTs = 100n;
  readonly #commits: { readonly ts: bigint; readonly key: number }[] = [];
  #runs: PendingRun[] = [];
  #calls: PendingCall[] = [];
  #verifications: Pending<"verify">[] = [];
  readonly #held = new Map<number, ModelFact>();
  readonly #facts = new Map<Fact, "given" | "held" | "released">();
  // The client.
  #version: Version = { querySet: 0, identity: 0, ts: 0n };
  #wantedQuerySet = 0;
  #wantedIdentity = 0;
  readonly #querySets: QuerySet[] = [new Map()];
  readonly #identities = [""];
  readonly #values = new Map<number, string>();
  #nextQueryId = 0;
  #nextRequestId = 0;
  readonly #unansweredMutations: number[] = [];
  readonly #unansweredActions = new Set<number>();
  #unresolved: { readonly requestId: number; readonly ts: bigint }[] = [];
  #isClosed = false;

  constructor() {
    this.#receive({ type: "Connect", sessionId: "s" });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** One thing happens; `pick` chooses among the things it could happen to. */
  step(what: number, pick: number): void {
    if (this.#isClosed) return;
    const steps = [
      () => this.#addQuery(pick),
      () => this.#addQuery(pick),
      () => this.#removeQuery(pick),
      () => this.#mutate(),
      () => this.#mutate(),
      () => this.#act(),
      () => this.#commit(pick % KEYS),
      () => this.#commit(pick % KEYS),
      () => this.#hear(),
      () => this.#hear(),
      () => this.#execute(pick),
      () => this.#answer(pick),
      () => this.#answer(pick),
      () => this.#endRun(pick),
      () => this.#endRun(pick),
      () => this.#endRun(pick),
      () => this.#authenticate(pick),
      () => this.#verify(pick),
      () => this.#happen({ type: "ticked" }),
      () => this.#happen({ type: "answered", generation: 1_000_000 + pick, outcome: this.#outcome("stale", 1n) }),
    ];
    steps[what % steps.length]?.();
  }

  /** Lets everything under way end, then checks that the client lacks nothing. */
  finish(): void {
    for (let turns = 0; !this.#isClosed && this.#isUnderWay(); turns++) {
      assert.ok(turns < 10_000, "the session never comes to rest");
      this.#verify(1);
      this.#execute(0);
      this.#answer(0);
      this.#hear();
      this.#endRun(turns);
    }
    while (this.#runs.length > 0) this.#endRun(0);
    for (const [fact, whereabouts] of this.#facts)
      assert.notEqual(whereabouts, "given", `fact of ${fact.ts} is nowhere`);
    if (this.#isClosed) return;
    assert.deepEqual(this.#unansweredMutations, []);
    assert.equal(this.#unansweredActions.size, 0);
    assert.deepEqual(this.#unresolved, [], "a mutation was answered and never resolved by a transition");
    assert.equal(this.state.waitingLength, 0, "nothing waits any more");
    assert.equal(this.#version.querySet, this.#wantedQuerySet);
    assert.equal(this.#version.identity, this.#wantedIdentity);
    const querySet = this.#querySets[this.#wantedQuerySet] ?? assert.fail();
    for (const [queryId, query] of querySet) {
      assert.equal(this.#values.get(queryId), this.#valueOf(query, this.#newestTs, this.#identities.at(-1) ?? ""));
    }
    assert.equal(this.#values.size, querySet.size, "what was removed is removed at the client too");
  }

  #isUnderWay(): boolean {
    return (
      this.#runs.length + this.#calls.length + this.#verifications.length > 0 ||
      this.#heardTs < this.#newestTs ||
      this.state.mutations.length > 0
    );
  }

  // --- The session ---

  #happen(happening: SessionHappening): void {
    const [state, effects] = reduce(this.state, { ...happening, nowMs: NOW_MS, heardTs: this.#heardTs });
    this.state = state;
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case "send":
        assert.ok(!this.#isClosed, "nothing is sent behind a close");
        return this.#read(effect.message);
      case "close":
        this.#isClosed = true;
        return this.#held.clear();
      case "run":
        if (effect.isAlone) this.aloneRuns += 1;
        return void this.#runs.push({ effect, heardTs: this.#heardTs, newestTs: this.#newestTs });
      case "call":
        return void this.#calls.push({ effect, outcome: null });
      case "verify":
        return void this.#verifications.push(effect);
      case "hold": {
        const before = this.#held.get(effect.queryId);
        if (before !== undefined) this.#facts.set(before, "released");
        this.#take(effect.fact, "held");
        return void this.#held.set(effect.queryId, effect.fact as ModelFact);
      }
      case "release":
        return this.#take(effect.fact, "released");
      case "drop":
        return void this.#held.delete(effect.queryId);
      default:
        return;
    }
  }

  #take(fact: Fact, whereabouts: "held" | "released"): void {
    assert.equal(this.#facts.get(fact), "given", "each fact given is held or released, once");
    this.#facts.set(fact, whereabouts);
  }

  #receive(message: ClientMessage): void {
    this.#happen({ type: "received", message, frameLength: 10 });
  }

  // --- The client ---

  #addQuery(pick: number): void {
    const before = this.#querySets[this.#wantedQuerySet] ?? new Map<number, AddedQuery>();
    // Sometimes an id that was there before: the protocol does not forbid it.
    const isOldFree = pick % 5 === 0 && this.#nextQueryId > 0 && !before.has(this.#nextQueryId - 1);
    const queryId = isOldFree ? this.#nextQueryId - 1 : this.#nextQueryId++;
    const path = pick % 2 === 0 ? "mine" : "common";
    const args = { key: pick % KEYS };
    const query: AddedQuery = { queryId, path, component: "", args, argsJson: JSON.stringify(args), journal: null };
    this.#modify(new Map([...before, [queryId, query]]), { type: "Add", query });
  }

  #removeQuery(pick: number): void {
    const after = new Map(this.#querySets[this.#wantedQuerySet]);
    const queryId = [...after.keys()][pick % Math.max(1, after.size)];
    if (queryId === undefined) return;
    after.delete(queryId);
    this.#modify(after, { type: "Remove", queryId });
  }

  #modify(querySet: QuerySet, change: (ClientMessage & { readonly type: "ModifyQuerySet" })["changes"][number]): void {
    const baseVersion = this.#wantedQuerySet;
    this.#querySets.push(querySet);
    this.#wantedQuerySet += 1;
    this.#receive({ type: "ModifyQuerySet", baseVersion, newVersion: this.#wantedQuerySet, changes: [change] });
  }

  #mutate(): void {
    const requestId = this.#nextRequestId++;
    this.#unansweredMutations.push(requestId);
    this.#receive({ type: "Mutation", requestId, path: "write", component: "", args: {} });
  }

  #act(): void {
    const requestId = this.#nextRequestId++;
    this.#unansweredActions.add(requestId);
    this.#receive({ type: "Action", requestId, path: "act", component: "", args: {} });
  }

  #authenticate(pick: number): void {
    const baseVersion = this.#wantedIdentity;
    this.#wantedIdentity += 1;
    const name = pick % 3 === 0 ? "" : pick % 3 === 1 ? "alice" : "bob";
    this.#identities.push(name);
    const credential = name === "" ? ({ tokenType: "None" } as const) : ({ tokenType: "User", value: name } as const);
    this.#receive({ type: "Authenticate", baseVersion, credential });
  }

  #read(message: ServerMessage): void {
    switch (message.type) {
      case "Transition":
        return this.#readTransition(message);
      case "MutationResponse":
        assert.equal(
          message.requestId,
          this.#unansweredMutations.shift(),
          "mutations are answered once, in their order",
        );
        return void this.#unresolved.push({ requestId: message.requestId, ts: message.outcome.ts });
      case "ActionResponse":
        return assert.ok(this.#unansweredActions.delete(message.requestId), "an action is answered once");
      case "FatalError":
        return assert.fail(message.error);
      default:
        return;
    }
  }

  #readTransition({ start, end, modifications }: ServerMessage & { readonly type: "Transition" }): void {
    assert.deepEqual(start, this.#version, "versions chain");
    assert.ok(end.ts >= start.ts && end.querySet >= start.querySet && end.identity >= start.identity);
    this.transitions += 1;
    for (const modification of modifications) {
      if (modification.type === "removed") {
        this.#values.delete(modification.queryId);
        continue;
      }
      const { result } = modification.outcome;
      assert.ok("valueJson" in result);
      assert.notEqual(this.#values.get(modification.queryId), result.valueJson, "unchanged results are not sent again");
      this.#values.set(modification.queryId, result.valueJson);
    }
    const resolved = this.#unresolved.filter(({ ts }) => ts <= end.ts).length;
    this.#unresolved = this.#unresolved.filter(({ ts }) => ts > end.ts);
    const hasMoved = end.querySet !== start.querySet || end.identity !== start.identity;
    assert.ok(modifications.length > 0 || hasMoved || resolved > 0, "a transition without a cause");
    if (modifications.length === 0 && !hasMoved) this.emptyTransitions += 1;
    this.#version = end;
    for (const [queryId, query] of this.#querySets[end.querySet] ?? assert.fail("unknown query set version")) {
      // One that was removed meanwhile need not be brought up to date any more.
      if (this.#querySets[this.#wantedQuerySet]?.get(queryId) !== query) continue;
      const expected = this.#valueOf(query, end.ts, this.#identities[end.identity] ?? "");
      assert.equal(this.#values.get(queryId), expected, `query ${queryId} is not as it was at ${end.ts}`);
    }
  }

  // --- The database and what is under way ---

  #valueOf(query: AddedQuery, ts: bigint, identity: string): string {
    const { key } = query.args as { readonly key: number };
    const written = this.#commits.findLast((commit) => commit.key === key && commit.ts <= ts)?.ts ?? 0n;
    return JSON.stringify(`${query.path}:${key}@${written}${query.path === "mine" ? identity : ""}`);
  }

  #commit(key: number): bigint {
    this.#newestTs += 1n;
    this.#commits.push({ ts: this.#newestTs, key });
    return this.#newestTs;
  }

  /** The notification may come after the answers of what it is about. */
  #hear(): void {
    const commit = this.#commits.find(({ ts }) => ts > this.#heardTs);
    if (commit === undefined) return;
    this.#heardTs = commit.ts;
    const queries: { queryId: number; staleAt: bigint }[] = [];
    for (const [queryId, fact] of this.#held) {
      if (fact.staleAt !== null || fact.key !== commit.key || commit.ts <= fact.ts) continue;
      fact.staleAt = commit.ts;
      queries.push({ queryId, staleAt: commit.ts });
    }
    if (queries.length > 0) this.#happen({ type: "stale", queries });
  }

  #execute(pick: number): void {
    const waiting = this.#calls.filter(({ outcome }) => outcome === null);
    const call = waiting[pick % Math.max(1, waiting.length)];
    if (call === undefined) return;
    const isWriting = call.effect.call.message.type === "Mutation" && pick % 4 !== 3;
    const ts = isWriting ? this.#commit(pick % KEYS) : this.#newestTs;
    call.outcome = this.#outcome("done", ts);
  }

  #answer(pick: number): void {
    const ready = this.#calls.filter(({ outcome }) => outcome !== null);
    const call = ready[pick % Math.max(1, ready.length)];
    if (call === undefined || call.outcome === null) return;
    this.#calls = this.#calls.filter((other) => other !== call);
    this.#happen({ type: "answered", generation: call.effect.generation, outcome: call.outcome });
  }

  #verify(pick: number): void {
    const verification = this.#verifications.shift();
    if (verification === undefined) return;
    const { generation, credential } = verification;
    if (pick % 40 === 39) return this.#happen({ type: "refused", generation, error: "bad token" });
    const caller: Caller = { identity: { tokenIdentifier: credential.value }, isAdmin: false, expiresAtMs: null };
    this.#happen({ type: "verified", generation, caller });
  }

  /** Each query of a run has a moment of its own, unless it is run alone; results shared may be older than the run. */
  #endRun(pick: number): void {
    const run = this.#runs[pick % Math.max(1, this.#runs.length)];
    if (run === undefined) return;
    this.#runs = this.#runs.filter((other) => other !== run);
    const { queries, caller, isAlone, generation } = run.effect;
    const aloneTs = this.#momentAfter(run.newestTs, pick);
    const identity = caller.identity?.tokenIdentifier ?? "";
    const results = queries.map((query, at): RanQuery => {
      const { key } = query.args as { readonly key: number };
      const since = this.#commits.findLast((commit) => commit.key === key && commit.ts <= run.heardTs)?.ts ?? 100n;
      const ts = isAlone ? aloneTs : this.#momentAfter(query.path === "mine" ? run.heardTs : since, pick + at);
      const staleAt = this.#commits.find((c) => c.key === key && c.ts > ts && c.ts <= this.#heardTs)?.ts ?? null;
      const fact: ModelFact = { key, ts, staleAt };
      this.#facts.set(fact, "given");
      const value = this.#valueOf(query, ts, identity);
      const outcome = { ...this.#outcome(value, ts), hasReadIdentity: query.path === "mine" };
      return { queryId: query.queryId, fact, ts, staleAt, digest: value, outcome };
    });
    assert.equal(this.#runs.length, 0, "one run at a time");
    if (this.state.run?.isObsolete === true) this.staleRuns += 1;
    this.#happen({ type: "ran", generation, ts: isAlone ? aloneTs : null, results });
  }

  #momentAfter(ts: bigint, pick: number): bigint {
    return ts + (BigInt(pick) % (this.#newestTs - ts + 1n));
  }

  #outcome(value: string, ts: bigint): Outcome {
    return { result: { valueJson: value }, ts, logLines: [], reads: [], hasReadIdentity: false, journal: null };
  }
}
