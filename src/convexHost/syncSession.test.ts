import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openSession, reduce } from "./syncSession.ts";
import { type Effect, SESSION_LIMITS, type SessionHappening, type SessionState } from "./syncState.ts";
import type { AddedQuery, ClientMessage } from "./syncWire.ts";
import { SyncModel } from "./testing/syncModel.ts";
import type { Caller, Outcome } from "./words.ts";

const START_MS = 1_000_000;

/** A session driven event by event; `sent` are the messages of the last one. */
class Session {
  state: SessionState = openSession(START_MS);
  effects: readonly Effect[] = [];
  nowMs = START_MS;
  heardTs = 10n;

  happen(happening: SessionHappening): this {
    [this.state, this.effects] = reduce(this.state, { ...happening, nowMs: this.nowMs, heardTs: this.heardTs });
    return this;
  }

  receive(message: ClientMessage, frameLength = 10): this {
    return this.happen({ type: "received", message, frameLength });
  }

  of<T extends Effect["type"]>(type: T): readonly (Effect & { readonly type: T })[] {
    return this.effects.filter((effect): effect is Effect & { readonly type: T } => effect.type === type);
  }

  get sent() {
    return this.of("send").map(({ message }) => message);
  }

  get types(): readonly string[] {
    return this.effects.map((effect) => (effect.type === "send" ? effect.message.type : effect.type));
  }
}

const connected = () => new Session().receive({ type: "Connect", sessionId: "s" });
const mutation = (requestId: number): ClientMessage => ({
  type: "Mutation",
  requestId,
  path: "m:write",
  component: "",
  args: {},
});
const added = (queryId: number, args: Record<string, string> = {}): AddedQuery => ({
  queryId,
  path: "q:read",
  component: "",
  args,
  argsJson: JSON.stringify(args),
  journal: null,
});
const add = (baseVersion: number, ...queries: readonly AddedQuery[]): ClientMessage => ({
  type: "ModifyQuerySet",
  baseVersion,
  newVersion: baseVersion + 1,
  changes: queries.map((query) => ({ type: "Add", query })),
});
const outcome = (ts: bigint, value = "null"): Outcome => ({
  result: { valueJson: value },
  ts,
  logLines: [],
  reads: [],
  hasReadIdentity: false,
  journal: null,
});
const user = (name: string, expiresAtMs: number | null = null): Caller => ({
  identity: { tokenIdentifier: name },
  isAdmin: false,
  expiresAtMs,
});
const token = (baseVersion: number): ClientMessage => ({
  type: "Authenticate",
  baseVersion,
  credential: { tokenType: "User", value: "token" },
});
const result = (queryId: number, ts: bigint, digest: string, staleAt: bigint | null = null) => ({
  queryId,
  fact: { ts, staleAt },
  ts,
  staleAt,
  digest,
  outcome: outcome(ts, JSON.stringify(digest)),
});

test("in every order of events the client sees one moment at a time, and each mutation once and then its effect", () => {
  const totals = { transitions: 0, aloneRuns: 0, staleRuns: 0, emptyTransitions: 0, closed: 0 };
  const steps = fc.array(fc.tuple(fc.nat(19), fc.nat(1_000)), { maxLength: 120, size: "max" });
  fc.assert(
    fc.property(steps, (list) => {
      const model = new SyncModel();
      for (const [what, pick] of list) model.step(what, pick);
      model.finish();
      totals.transitions += model.transitions;
      totals.aloneRuns += model.aloneRuns;
      totals.staleRuns += model.staleRuns;
      totals.emptyTransitions += model.emptyTransitions;
      totals.closed += model.isClosed ? 1 : 0;
    }),
    { numRuns: 2_000 },
  );
  for (const [what, count] of Object.entries(totals)) assert.ok(count > 20, `the runs had too few: ${what} ${count}`);
});

test("a transition follows each mutation, with a moment not before it, also when no query changed", () => {
  const session = connected().receive(mutation(0));
  const [call] = session.of("call");
  assert.equal(call?.call.message.requestId, 0);
  session.heardTs = 12n;
  session.happen({ type: "answered", generation: call?.generation ?? 0, outcome: outcome(12n) });
  assert.deepEqual(session.types, ["MutationResponse", "Transition"]);
  assert.deepEqual(session.sent[1], {
    type: "Transition",
    start: { querySet: 0, identity: 0, ts: 0n },
    end: { querySet: 0, identity: 0, ts: 12n },
    modifications: [],
  });
});

test("a mutation whose commit has not been heard of is followed by a run of all queries at one moment", () => {
  const session = connected().receive(mutation(0));
  session.happen({ type: "answered", generation: session.of("call")[0]?.generation ?? 0, outcome: outcome(12n) });
  assert.deepEqual(session.types, ["MutationResponse", "run"]);
  const [run] = session.of("run");
  assert.equal(run?.isAlone, true);
  session.happen({ type: "ran", generation: run?.generation ?? 0, ts: 13n, results: [] });
  assert.deepEqual(session.types, ["Transition"]);
});

test("the next mutation begins when the one before is answered", () => {
  const session = connected().receive(mutation(0));
  const [first] = session.of("call");
  assert.deepEqual(session.receive(mutation(1)).types, []);
  session.happen({ type: "answered", generation: first?.generation ?? 0, outcome: outcome(10n) });
  assert.deepEqual(session.types, ["MutationResponse", "call", "Transition"]);
  assert.equal(session.of("call")[0]?.call.message.requestId, 1);
});

test("a result that did not change is not sent again, and without another cause no transition either", () => {
  const session = connected().receive(add(0, added(7)));
  session.happen({
    type: "ran",
    generation: session.of("run")[0]?.generation ?? 0,
    ts: null,
    results: [result(7, 10n, "a")],
  });
  assert.deepEqual(session.types, ["hold", "Transition"]);
  session.heardTs = 11n;
  session.happen({ type: "stale", queries: [{ queryId: 7, staleAt: 11n }] });
  assert.deepEqual(session.types, ["run"]);
  session.happen({
    type: "ran",
    generation: session.of("run")[0]?.generation ?? 0,
    ts: null,
    results: [result(7, 11n, "a")],
  });
  assert.deepEqual(session.types, ["hold"]);
  session.heardTs = 12n;
  session.happen({ type: "stale", queries: [{ queryId: 7, staleAt: 12n }] });
  session.happen({
    type: "ran",
    generation: session.of("run")[0]?.generation ?? 0,
    ts: null,
    results: [result(7, 12n, "b")],
  });
  assert.equal(session.sent[0]?.type === "Transition" && session.sent[0].start.ts, 10n);
});

test("queries that never have a common moment are run together after two tries", () => {
  const session = connected().receive(add(0, added(1), added(2)));
  const runs: (boolean | undefined)[] = [];
  for (const ts of [10n, 20n]) {
    const [run] = session.of("run");
    runs.push(run?.isAlone);
    session.heardTs = ts + 2n;
    // The first was changed before the second was read.
    const results = [result(1, ts, `a${ts}`, ts + 1n), result(2, ts + 1n, `b${ts}`, ts + 2n)];
    session.happen({ type: "ran", generation: run?.generation ?? 0, ts: null, results });
    assert.deepEqual(session.types, ["hold", "hold", "run"]);
  }
  const [last] = session.of("run");
  assert.deepEqual([...runs, last?.isAlone], [false, false, true]);
  const results = [result(1, 30n, "a", 31n), result(2, 30n, "b", 31n)];
  session.happen({ type: "ran", generation: last?.generation ?? 0, ts: 30n, results });
  assert.deepEqual(session.types, ["hold", "hold", "Transition", "run"]);
  assert.equal(session.of("run")[0]?.isAlone, false);
});

test("queries that are added during a run do not hold back what it gave", () => {
  const session = connected().receive(add(0, added(1)));
  const [run] = session.of("run");
  session.receive(add(1, added(2)));
  session.happen({ type: "ran", generation: run?.generation ?? 0, ts: null, results: [result(1, 10n, "a")] });
  assert.deepEqual(session.types, ["hold", "Transition", "run"]);
  assert.equal(session.sent[0]?.type === "Transition" && session.sent[0].end.querySet, 1);
});

test("a run that began after a mutation had ended answers for it, whatever moment it names", () => {
  const session = connected().receive(mutation(0));
  session.happen({ type: "answered", generation: session.of("call")[0]?.generation ?? 0, outcome: outcome(12n) });
  session.happen({ type: "ran", generation: session.of("run")[0]?.generation ?? 0, ts: 9n, results: [] });
  assert.deepEqual(session.types, ["Transition"]);
  assert.equal(session.sent[0]?.type === "Transition" && session.sent[0].end.ts, 12n);
});

test("a page keeps its end: its journal goes to the client, into the next run, and through a run that made none", () => {
  const session = connected().receive(add(0, { ...added(1), journal: "from before" }));
  const journals = [session.of("run")[0]?.queries[0]?.journal];
  const journalOf = (text: string | null, at: bigint) => {
    const page = { ...result(1, at, `${at}`), outcome: { ...outcome(at, `${at}`), journal: text } };
    session.happen({ type: "ran", generation: session.state.run?.generation ?? 0, ts: null, results: [page] });
    const [sent] = session.sent;
    const [modification] = sent?.type === "Transition" ? sent.modifications : [];
    session.heardTs = at + 1n;
    session.happen({ type: "stale", queries: [{ queryId: 1, staleAt: at + 1n }] });
    journals.push(session.of("run")[0]?.queries[0]?.journal);
    return modification?.type === "result" ? modification.journal : undefined;
  };
  assert.deepEqual([journalOf("end", 10n), journalOf(null, 11n)], ["end", "end"]);
  assert.deepEqual(journals, ["from before", "end", "end"]);
});

test("queries that come and go before they were sent leave nothing behind", () => {
  const session = connected().receive(add(0, added(0)));
  for (let version = 1; version < 100; version += 2) {
    session.receive(add(version, added(version)));
    const changes = [{ type: "Remove", queryId: version }] as const;
    session.receive({ type: "ModifyQuerySet", baseVersion: version + 1, newVersion: version + 2, changes });
    assert.deepEqual(session.types, ["drop"]);
  }
  assert.equal(session.state.removals.length, 0);
  assert.equal(session.state.querySetLength, "q:read".length + "{}".length);
});

test("what a run of another identity gives is not used, and the next run waits for it", () => {
  const session = connected().receive(add(0, added(1)));
  const [old] = session.of("run");
  session.receive(token(0));
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller: user("alice") });
  assert.deepEqual(session.types, ["wakeAt"]);
  session.happen({ type: "ran", generation: old?.generation ?? 0, ts: null, results: [result(1, 10n, "of nobody")] });
  assert.deepEqual(session.types, ["release", "run"]);
  const [fresh] = session.of("run");
  assert.equal(fresh?.caller.identity?.tokenIdentifier, "alice");
  session.happen({ type: "ran", generation: old?.generation ?? 0, ts: null, results: [result(1, 10n, "of nobody")] });
  assert.deepEqual(session.types, ["release"]);
  session.happen({ type: "ran", generation: fresh?.generation ?? 0, ts: null, results: [result(1, 10n, "of alice")] });
  assert.deepEqual(session.types, ["hold", "Transition"]);
});

test("another identity runs only the queries again that asked who calls, and a fresh token of the same user none", () => {
  const session = connected().receive(token(0));
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller: user("alice") });
  session.receive(add(0, added(1), added(2)));
  const mine = { ...result(2, 10n, "mine"), outcome: { ...outcome(10n, '"mine"'), hasReadIdentity: true } };
  const results = [result(1, 10n, "common"), mine];
  session.happen({ type: "ran", generation: session.of("run")[0]?.generation ?? 0, ts: null, results });
  session.receive(token(1));
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller: user("alice") });
  assert.deepEqual(session.types, ["wakeAt", "Transition"]);
  session.receive(token(2));
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller: user("bob") });
  assert.deepEqual(
    session.of("run")[0]?.queries.map(({ queryId }) => queryId),
    [2],
  );
});

test("messages behind a token wait for it, and are taken in their order", () => {
  const session = connected().receive(token(0));
  const [verify] = session.of("verify");
  assert.deepEqual(session.receive(mutation(0)).types, []);
  assert.deepEqual(session.receive(token(1)).types, []);
  assert.deepEqual(session.receive(mutation(1)).types, []);
  session.happen({ type: "verified", generation: verify?.generation ?? 0, caller: user("alice") });
  assert.equal(session.of("call")[0]?.call.caller.identity?.tokenIdentifier, "alice");
  const [next] = session.of("verify");
  session.happen({ type: "answered", generation: session.of("call")[0]?.generation ?? 0, outcome: outcome(10n) });
  assert.deepEqual(session.of("call"), []);
  session.happen({ type: "verified", generation: next?.generation ?? 0, caller: user("bob") });
  assert.equal(session.of("call")[0]?.call.caller.identity?.tokenIdentifier, "bob");
});

test("a refused token is an AuthError of the version it was to replace, then a close", () => {
  const session = connected().receive(token(0));
  session.happen({ type: "refused", generation: session.of("verify")[0]?.generation ?? 0, error: "no" });
  assert.deepEqual(session.sent, [{ type: "AuthError", error: "no", baseVersion: 0, authUpdateAttempted: true }]);
  assert.deepEqual(session.types, ["AuthError", "close"]);
  assert.deepEqual(session.receive(mutation(0)).types, []);
});

test("the identity ends with its token, and nothing is begun in its name any more", () => {
  const session = connected().receive(token(0));
  const caller = user("alice", START_MS + 1_000);
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller });
  assert.deepEqual(session.of("wakeAt"), [{ type: "wakeAt", atMs: START_MS + 1_000 }]);
  session.nowMs = START_MS + 1_000;
  session.receive(mutation(0));
  const error = { type: "AuthError", error: "the token has ended", baseVersion: 0, authUpdateAttempted: false };
  assert.deepEqual(session.sent, [error]);
  assert.deepEqual(session.types, ["AuthError", "close"]);
});

test("a token that ends while its successor is being checked ends nothing", () => {
  const session = connected().receive(token(0));
  const caller = user("alice", START_MS + 1_000);
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller });
  session.receive(token(1));
  const [verify] = session.of("verify");
  session.nowMs = START_MS + 2_000;
  assert.deepEqual(session.happen({ type: "woke" }).types, []);
  session.happen({ type: "verified", generation: verify?.generation ?? 0, caller: user("alice", START_MS + 9_000) });
  assert.deepEqual(session.types, ["wakeAt", "Transition"]);
});

test("a token that has ended already is refused", () => {
  const session = connected().receive(token(0));
  const caller = user("alice", START_MS);
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller });
  assert.deepEqual(session.types, ["AuthError", "close"]);
});

test("what a run gives after the token has ended is not sent, also while the next token is being checked", () => {
  const session = connected().receive(token(0));
  const caller = user("alice", START_MS + 1_000);
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller });
  session.receive(add(0, added(1)));
  const [run] = session.of("run");
  session.receive(token(1));
  const [verify] = session.of("verify");
  session.nowMs = START_MS + 2_000;
  const results = [result(1, 10n, "late")];
  assert.deepEqual(session.happen({ type: "ran", generation: run?.generation ?? 0, ts: null, results }).types, [
    "release",
  ]);
  session.happen({ type: "verified", generation: verify?.generation ?? 0, caller: user("alice", START_MS + 9_000) });
  assert.deepEqual(session.types, ["wakeAt", "run"]);
});

test("calls that wait go on under a fresh token of the same user, although theirs has ended", () => {
  const session = connected().receive(token(0));
  const caller = user("alice", START_MS + 1_000);
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller });
  session.receive(mutation(0)).receive(mutation(1)).receive(token(1));
  const fresh = user("alice", START_MS + 9_000);
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller: fresh });
  session.nowMs = START_MS + 2_000;
  session.happen({ type: "answered", generation: session.state.mutating?.generation ?? 0, outcome: outcome(10n) });
  assert.deepEqual(
    session.of("call").map(({ call }) => [call.message.requestId, call.caller]),
    [[1, fresh]],
  );
});

test("no action is begun in the name of a user whose token has ended, although another has come since", () => {
  const session = connected().receive(token(0));
  const alice = user("alice", START_MS + 1_000);
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller: alice });
  for (let requestId = 0; requestId <= SESSION_LIMITS.actionsAtOnce; requestId++) {
    session.receive({ ...mutation(requestId), type: "Action" } as ClientMessage);
  }
  const [generation] = session.state.acting.keys();
  session.receive(token(1));
  session.happen({ type: "verified", generation: session.of("verify")[0]?.generation ?? 0, caller: user("bob") });
  session.nowMs = START_MS + 2_000;
  session.happen({ type: "answered", generation: generation ?? 0, outcome: outcome(10n) });
  assert.deepEqual(session.types, ["ActionResponse", "AuthError", "close"]);
});

const protocolErrors: readonly (readonly [string, readonly ClientMessage[]])[] = [
  ["a mutation before Connect", [mutation(0)]],
  [
    "a second Connect",
    [
      { type: "Connect", sessionId: "s" },
      { type: "Connect", sessionId: "s" },
    ],
  ],
  ["a wrong identity version", [{ type: "Connect", sessionId: "s" }, token(1)]],
  ["a wrong query set version", [{ type: "Connect", sessionId: "s" }, add(1, added(1))]],
  ["a query that is there", [{ type: "Connect", sessionId: "s" }, add(0, added(1), added(1))]],
  [
    "the removal of a query that is not there",
    [
      { type: "Connect", sessionId: "s" },
      { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, changes: [{ type: "Remove", queryId: 1 }] },
    ],
  ],
];
for (const [what, messages] of protocolErrors) {
  test(`${what} is a FatalError and a close`, () => {
    const session = new Session();
    for (const message of messages) session.receive(message);
    assert.deepEqual(
      session.types.filter((type) => type !== "drop"),
      ["FatalError", "close"],
    );
    assert.deepEqual(session.receive(mutation(9)).types, []);
  });
}

test("a client that sends faster than its mutations end is not read, until half of them are done", () => {
  const session = connected();
  const types = new Set<string>();
  for (let requestId = 0; requestId <= SESSION_LIMITS.waiting; requestId++) session.receive(mutation(requestId));
  assert.deepEqual(session.types, []);
  session.receive(mutation(SESSION_LIMITS.waiting + 1));
  assert.deepEqual(session.types, ["pauseReading"]);
  let done = 0;
  while (!types.has("resumeReading")) {
    session.happen({ type: "answered", generation: session.state.mutating?.generation ?? 0, outcome: outcome(10n) });
    for (const type of session.types) types.add(type);
    done += 1;
    assert.ok(done <= SESSION_LIMITS.waiting);
  }
  assert.ok(done >= SESSION_LIMITS.waiting / 2);
});

test("long messages that wait count by their length", () => {
  const session = connected().receive(mutation(0));
  assert.deepEqual(session.receive(mutation(1), SESSION_LIMITS.waitingLength).types, []);
  assert.deepEqual(session.receive(mutation(2)).types, ["pauseReading"]);
  const generation = session.state.mutating?.generation ?? 0;
  const { types } = session.happen({ type: "answered", generation, outcome: outcome(10n) });
  assert.ok(types.includes("resumeReading"));
});

test("a socket that is not paused and goes on sending is closed 1013", () => {
  const session = connected();
  for (let at = 0; session.state.phase === "open" && at < 100_000; at++) session.receive(mutation(at));
  assert.deepEqual(
    session.of("close").map(({ code }) => code),
    [1013],
  );
});

test("actions run side by side up to their limit, then one for one", () => {
  const session = connected();
  const action = (requestId: number): ClientMessage => ({ ...mutation(requestId), type: "Action" }) as ClientMessage;
  const generations: number[] = [];
  for (let requestId = 0; requestId < SESSION_LIMITS.actionsAtOnce + 2; requestId++) {
    generations.push(
      ...session
        .receive(action(requestId))
        .of("call")
        .map(({ generation }) => generation),
    );
  }
  assert.equal(generations.length, SESSION_LIMITS.actionsAtOnce);
  session.happen({ type: "answered", generation: generations[5] ?? 0, outcome: outcome(10n) });
  assert.deepEqual(session.types, ["ActionResponse", "call"]);
  assert.equal(session.sent[0]?.type === "ActionResponse" && session.sent[0].requestId, 5);
  session.happen({ type: "answered", generation: generations[5] ?? 0, outcome: outcome(10n) });
  assert.deepEqual(session.types, []);
});

test("more queries, or longer ones, than a connection may have end it by name and not as a protocol error", () => {
  const many = connected().receive(add(0, ...Array.from({ length: SESSION_LIMITS.queries + 1 }, (_, at) => added(at))));
  const long = connected().receive(add(0, added(1, { text: "x".repeat(SESSION_LIMITS.querySetLength) })));
  for (const session of [many, long]) {
    assert.deepEqual(session.types, ["close"]);
    assert.match(session.of("close")[0]?.reason ?? "", /^TooManyQueries/);
  }
});

test("a socket that never says Connect is closed after a minute, and gets pings until then", () => {
  const session = new Session();
  session.nowMs += 45_000;
  assert.deepEqual(session.happen({ type: "ticked" }).types, ["Ping"]);
  session.nowMs += 15_000;
  assert.deepEqual(session.happen({ type: "ticked" }).types, ["close"]);
});
