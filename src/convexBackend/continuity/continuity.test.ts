// Two deployments of this arm, one in the place of the other arm: what one feeds, the other takes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as Y from "yjs";
import { rest } from "../../contract/index.ts";
import { type Arm, type Bench, login, startBench } from "../testing/realService.ts";
import { longestWait } from "./testing/longestWait.ts";

let benches: Bench[] = [];
let here: Arm;
let there: Arm;

before(async () => {
  benches = await Promise.all([startBench(), startBench()]);
  [here, there] = benches.map(({ arm }) => arm) as [Arm, Arm];
});
after(() => Promise.all(benches.map((bench) => bench.stop())));

async function newSession(arm: Arm, user: { Authorization: string }, body: object = {}): Promise<string> {
  const reply = await arm.call("POST", "/api/v1/sessions", user, body);
  return ((await reply.json()) as { session_id: string }).session_id;
}

async function say(arm: Arm, user: { Authorization: string }, id: string, text: string, messageId?: string) {
  const socket = await arm.connect(`/ws/v2/session/${id}`, user);
  await socket.nextJson();
  const more = messageId === undefined ? {} : { client_message_id: messageId };
  socket.ws.send(JSON.stringify({ type: "user_message", data: { text }, ...more }));
  const answer = await socket.nextJson();
  socket.ws.close();
  await socket.closed;
  return answer;
}

function updateOf(change: (doc: Y.Doc) => void): Buffer {
  const doc = new Y.Doc();
  change(doc);
  return Buffer.from(Y.encodeStateAsUpdate(doc));
}

/** A user with a row of every kind that a client can make. */
async function livedIn(arm: Arm, sub: string) {
  const user = login(sub);
  const made = await arm.call("POST", "/api/v1/folders/", user, { name: "a" });
  const folder = ((await made.json()) as { id: string }).id;
  const id = await newSession(arm, user, { folder_id: folder });
  await say(arm, user, id, "What is osmosis?", "m1");
  await say(arm, user, id, "draw it");
  const board = await arm.connect(`/ws/v2/session/${id}/whiteboard`, user);
  await board.next();
  board.ws.send(updateOf((doc) => doc.getMap("objects").set("o", { kind: "rect", metadata: { source: "user" } })));
  await until(async () => (await arm.digest(sub)).sections.yjs_snapshots.count === 1);
  board.ws.close();
  await board.closed;
  return { user, folder, id };
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isTrue())) assert.ok(performance.now() < deadline, "it did not come");
}

/** Carries a user's changes over, those that came too early again with the next; gives the cursor of the feed. */
async function relay(from: Arm, to: Arm, sub: string, after = 0): Promise<{ cursor: number; answers: any[] }> {
  const answers: any[] = [];
  let early: any[] = [];
  for (let cursor = after; ; ) {
    const page = await from.feed(`?after=${cursor}&user_id=${sub}&limit=3`);
    const sent = [...early, ...page.changes];
    const answer = sent.length > 0 ? await to.apply(sent) : null;
    if (answer) answers.push(answer);
    const later = new Set(
      answer?.rejected.filter(({ reason }: any) => reason.startsWith("later:")).map((r: any) => r.seq),
    );
    early = sent.filter(({ seq }) => later.has(seq));
    ({ cursor } = page);
    if (!page.more) return { cursor, answers };
  }
}

test("what one arm feeds the other takes: equal digests, and a repeat changes nothing", async () => {
  const { user, id } = await livedIn(here, "ann");
  await relay(here, there, "ann");
  const [mine, theirs] = [await here.digest("ann"), await there.digest("ann")];
  assert.deepEqual(theirs.sections, mine.sections);
  assert.equal(theirs.full_hash, mine.full_hash);
  rest.BODIES["internal.digest"].response.parse(mine);
  rest.BODIES["internal.changes.read"].response.parse(await here.feed());
  assert.equal(mine.sections.session_messages.count, 4);
  assert.equal(mine.sections.processed_messages.count, 1);
  const again = await relay(here, there, "ann");
  assert.equal(
    again.answers.reduce((sum, { applied }) => sum + applied, 0),
    0,
  );
  assert.deepEqual(
    again.answers.flatMap(({ rejected, conflicts }) => [...rejected, ...conflicts]),
    [],
  );
  assert.equal((await there.digest("ann")).cursor, theirs.cursor);
  // A frame that was answered there is answered here as it was.
  const repeat = await say(there, user, id, "What is osmosis?", "m1");
  assert.deepEqual(await say(here, user, id, "What is osmosis?", "m1"), repeat);
});

test("a copy is export, then the feed from its cursor", async () => {
  await livedIn(here, "bob");
  const lines = await here.exported("bob");
  const last = lines.pop();
  assert.equal(last.full_hash, (await here.digest("bob")).full_hash);
  const names = lines.map(({ kind, key }) => `${kind} ${key}`);
  assert.deepEqual(names, names.toSorted());
  assert.ok(lines.every(({ op, data }) => op === "upsert" && data));
  const answer = await there.apply(lines);
  const late = answer.rejected.map(({ reason }: { reason: string }) => reason);
  assert.deepEqual(late, []);
  assert.equal((await there.digest("bob")).full_hash, last.full_hash);
  await relay(here, there, "bob", last.cursor);
  assert.equal((await there.digest("bob")).full_hash, (await here.digest("bob")).full_hash);
  const [only] = await here.exported("nobody");
  assert.equal(only.full_hash, (await here.digest("nobody")).full_hash);
});

test("a live session reads on what came from the other arm, and hears when it was deleted there", async () => {
  const user = login("cleo");
  const id = await newSession(here, user);
  await say(here, user, id, "first");
  const { cursor } = await relay(here, there, "cleo");
  const socket = await there.connect(`/ws/v2/session/${id}`, user);
  assert.equal((await socket.nextJson()).chat_history.length, 2);
  await say(here, user, id, "second");
  const next = await relay(here, there, "cleo", cursor);
  socket.ws.send(JSON.stringify({ type: "user_message", data: { text: "third" } }));
  await socket.nextJson();
  const rows = (await (await there.call("GET", `/api/v1/sessions/${id}/messages`, user)).json()) as { text: string }[];
  assert.deepEqual(
    rows.filter((_, i) => i % 2 === 0).map(({ text }) => text),
    ["first", "second", "third"],
  );
  await here.call("DELETE", `/api/v1/sessions/${id}`, user);
  // Its deletion is version 7 there and loses against the turn of here, unless it is the later write.
  const removal = (await here.feed(`?after=${next.cursor}&user_id=cleo`)).changes.find(
    (c: any) => c.kind === "sessions",
  );
  const own = (await there.feed("?user_id=cleo")).changes.find((c: any) => c.kind === "sessions");
  const answer = await there.apply([{ ...removal, version: own.version + 1 }]);
  assert.equal(answer.applied, 1);
  assert.equal(await socket.closed, 1_000);
});

test("changes of a session wait for the turn that runs, and come again when it takes too long", async () => {
  const user = login("dora");
  const id = await newSession(here, user);
  await relay(here, there, "dora");
  const socket = await there.connect(`/ws/v2/session/${id}`, user);
  await socket.nextJson();
  const send = async (text: string) => {
    socket.ws.send(JSON.stringify({ type: "user_message", data: { text } }));
    socket.ws.send(JSON.stringify({ type: "heartbeat" }));
    assert.equal((await socket.nextJson()).type, "heartbeat_ack");
  };
  const [change] = (await here.feed("?user_id=dora")).changes.filter((c: any) => c.kind === "sessions");
  const later = { ...change, version: 50, data: { ...change.data, updated_at: 50 } };
  await send("!slow=600 hello");
  const [answer] = await Promise.all([there.apply([later]), socket.nextJson()]);
  assert.equal(answer.applied, 1);
  const second = await benches[1]?.another();
  await send("!slow=8000 hello");
  const busy = await Promise.all([there, second as Arm].map((arm) => arm.apply([{ ...later, version: 60 }])));
  assert.deepEqual(
    busy.map(({ rejected }) => rejected),
    Array.from({ length: 2 }, () => [{ seq: later.seq, reason: "later: session busy" }]),
  );
  await socket.nextJson();
  assert.equal((await there.apply([{ ...later, version: 60 }])).applied, 1);
  socket.ws.close();
});

const boardOf = async (arm: Arm, sub: string): Promise<any> =>
  (await arm.feed(`?user_id=${sub}`)).changes.find(({ kind }: { kind: string }) => kind === "yjs_snapshots");

const documentOf = (state: string): Y.Doc => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Buffer.from(state, "base64"));
  return doc;
};

test("boards are merged: what both had stays, a deletion alone counts, and sockets see it come", async () => {
  const user = login("emil");
  const id = await newSession(here, user);
  await relay(here, there, "emil");
  const mine = await here.connect(`/ws/v2/session/${id}/whiteboard`, user);
  const theirs = await there.connect(`/ws/v2/session/${id}/whiteboard`, user);
  await Promise.all([mine.next(), theirs.next()]);
  const object = { kind: "rect", metadata: { source: "user" } };
  mine.ws.send(updateOf((doc) => doc.getMap("objects").set("a", object)));
  theirs.ws.send(updateOf((doc) => doc.getMap("objects").set("b", object)));
  await until(async () => Boolean((await boardOf(here, "emil")) && (await boardOf(there, "emil"))));
  const first = await boardOf(here, "emil");
  assert.equal((await there.apply([first])).applied, 1);
  const merged = await boardOf(there, "emil");
  assert.deepEqual([merged.version, merged.origin], [2, "candidate"]);
  assert.deepEqual(Object.keys(documentOf(merged.data.state).getMap("objects").toJSON()).toSorted(), ["a", "b"]);
  // The live board relays it as if a client had sent it.
  const seen = new Y.Doc();
  Y.applyUpdate(seen, await theirs.next());
  assert.deepEqual(Object.keys(seen.getMap("objects").toJSON()), ["a"]);
  assert.deepEqual([(await there.apply([first])).skipped, (await boardOf(there, "emil")).version], [1, 2]);

  // The other way: everything there and more, so that the version comes along.
  assert.equal((await here.apply([{ ...merged, origin: "legacy", version: 5 }])).applied, 1);
  const taken = await boardOf(here, "emil");
  assert.deepEqual([taken.version, taken.origin, taken.data.updated_at], [5, "legacy", merged.data.updated_at]);

  const deletion = documentOf(taken.data.state);
  deletion.getMap("objects").delete("b");
  const state = Buffer.from(Y.encodeStateAsUpdate(deletion)).toString("base64");
  const removed = { ...taken, version: 6, data: { ...taken.data, state } };
  assert.equal((await here.apply([removed])).applied, 1);
  assert.deepEqual(
    Object.keys(
      documentOf((await boardOf(here, "emil")).data.state)
        .getMap("objects")
        .toJSON(),
    ),
    ["a"],
  );
  assert.equal((await here.apply([taken])).skipped, 1);
  const bad = { ...taken, version: 9, data: { ...taken.data, state: "AAAAAQ" } };
  assert.match((await here.apply([bad])).rejected[0].reason, /no Yjs update/);
  for (const socket of [mine, theirs]) socket.ws.close();
});

test("a large board is merged while everybody else is served, and is what the digest shows", async () => {
  const user = login("finn");
  const id = await newSession(here, user);
  await relay(here, there, "finn");
  const doc = new Y.Doc();
  const objects = doc.getMap("objects");
  doc.transact(() => Array.from({ length: 5_000 }, (_, i) => objects.set(`o${i}`, { text: "x".repeat(500) })));
  const row = { seq: 1, kind: "yjs_snapshots", op: "upsert", key: id, user_id: "finn", origin: "legacy", at: 7 };
  const bring = (arm: Arm, version: number) => {
    const state = Buffer.from(Y.encodeStateAsUpdate(doc)).toString("base64");
    return arm.apply([{ ...row, version, data: { session_id: id, state, updated_at: 7 } }]);
  };
  assert.equal((await bring(here, 3)).applied, 1);
  objects.set("more", 1);
  const since = performance.now();
  const answer = bring(here, 4);
  const longest = await longestWait(here, answer);
  const total = performance.now() - since;
  assert.equal((await answer).applied, 1);
  // On a slow machine even little takes long.
  assert.ok(longest < Math.max(200, total / 3), `somebody waited for ${longest} of ${total} ms`);
  assert.equal((await bring(there, 4)).applied, 1);
  const [one, two] = [await here.digest("finn"), await there.digest("finn")];
  assert.equal(one.sections.yjs_snapshots.full_hash, two.sections.yjs_snapshots.full_hash);
  assert.equal(documentOf((await boardOf(here, "finn")).data.state).getMap("objects").size, 5_001);
});

test("a feed that nothing is written to stays where it is, and a body of many sessions finds each of its rows", async () => {
  const user = login("gita");
  const ids = await Promise.all(Array.from({ length: 12 }, () => newSession(here, user)));
  for (const id of ids)
    await here.call("POST", `/api/v1/sessions/${id}/log/summary`, user, { section: "a", topic: "b", summary: "s" });
  assert.equal((await here.digest("gita")).sections.interaction_logs.count, 12);
  const lines = (await here.exported("gita")).slice(0, -1);
  const answer = await there.apply(lines.toReversed());
  assert.deepEqual([answer.applied, answer.rejected], [lines.length, []]);
  assert.equal((await there.digest("gita")).full_hash, (await here.digest("gita")).full_hash);
  const page = await here.feed("?user_id=gita");
  assert.deepEqual(await here.feed(`?user_id=gita&after=${page.cursor}`), {
    changes: [],
    cursor: page.cursor,
    more: false,
  });
});

test("only the service's token opens these routes, and wrong values are refused by name", async () => {
  const path = "/internal/changes";
  assert.equal((await here.call("GET", path, {})).status, 401);
  assert.equal((await here.call("POST", path, { "X-Service-Token": "wrong" }, { changes: [] })).status, 401);
  assert.equal((await here.internal("DELETE", path)).status, 405);
  for (const query of ["after=-1", "after=x", "limit=0", "limit=1001"]) {
    assert.equal((await here.internal("GET", `${path}?${query}`)).status, 422);
  }
  for (const body of [{}, { changes: 1 }, { changes: Array.from({ length: 1_001 }, () => 1) }, []]) {
    assert.equal((await here.internal("POST", path, body)).status, 422);
  }
  const answer = await here.apply([1, { seq: 4, kind: "x" }]);
  assert.deepEqual(
    answer.rejected.map(({ seq }: { seq: number }) => seq),
    [0, 4],
  );
  assert.equal((await here.internal("DELETE", "/internal/users/ann")).status, 404);
});
