import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import { derivedId, eventually, type Json, type User } from "../support/index.ts";
import {
  apply,
  AT_STORE,
  changesOf,
  type Context,
  digest,
  digestOf,
  explanation,
  internal,
  item,
  livedIn,
  match,
  rowsOf,
  text,
  updateOf,
} from "./harness/index.ts";

const foreignTo = (c: Context): "legacy" | "candidate" => (c.target.arm === "control" ? "candidate" : "legacy");
const ownOf = (c: Context): "legacy" | "candidate" => (c.target.arm === "control" ? "legacy" : "candidate");

/** Changes as the other arm would have made them, `seq` counting from 1. */
function changesFrom(c: Context, user: User, rows: readonly [kind: string, key: string, data: Json][]): Json[] {
  const origin = foreignTo(c);
  return rows.map(([kind, key, data], at) => ({
    seq: at + 1,
    kind,
    op: "upsert",
    key,
    user_id: user.sub,
    version: 1,
    origin,
    at: Date.now(),
    data,
  }));
}

const drawn = (kind: string): Json => ({ kind, metadata: { source: "user" } });

const base64 = (update: Uint8Array): string => Buffer.from(update).toString("base64");

interface Written {
  readonly user: User;
  readonly folder: string;
  readonly session: string;
  readonly list: Json[];
}

/** A user with one lesson, in the words of a feed; the context is one that this arm wrote for another user. */
async function written(c: Context): Promise<Written> {
  const model = await livedIn(c);
  const stored = (await rowsOf(c, model.user.sub)).find(({ kind }) => kind === "sessions").data;
  const [user, folder, session] = [c.user(), randomUUID(), randomUUID()];
  const at = 1_790_000_000_000;
  const context = {
    ...stored.context,
    user_id: user.sub,
    session_id: session,
    folder_id: folder,
    latest_turn_no: 2,
    latest_snapshot_index: 2,
  };
  const actions = [{ type: "SHOW_POINTER_AT", x: 1, y: 2, pointerId: "p", durationMs: 500, color: "#ff0000" }];
  const frames = [
    {
      content_type: "explanation",
      data: {},
      whiteboard_actions: actions,
      user_model_state: context.user_model_state,
      turn_id: "m/1",
    },
  ];
  const state = base64(
    updateOf((doc) => doc.getMap("objects").set("a", { kind: "rect", metadata: { source: "user" } })),
  );
  const message = {
    session_id: session,
    payload_json: null,
    whiteboard_snapshot_index: null,
    client_message_id: null,
    created_at: at,
  };
  const list = changesFrom(c, user, [
    [
      "folders",
      folder,
      {
        id: folder,
        user_id: user.sub,
        name: "copied",
        vector_store_id: null,
        knowledge_base: null,
        created_at: at,
        updated_at: at,
      },
    ],
    [
      "sessions",
      session,
      { ...stored, id: session, user_id: user.sub, folder_id: folder, context, created_at: at, updated_at: at },
    ],
    [
      "session_messages",
      `${session}/1`,
      { ...message, turn_no: 1, role: "user", text: "hello", client_message_id: "m/1" },
    ],
    [
      "session_messages",
      `${session}/2`,
      { ...message, turn_no: 2, role: "assistant", text: "hi", payload_json: frames[0], whiteboard_snapshot_index: 2 },
    ],
    [
      "whiteboard_snapshots",
      `${session}/2`,
      { session_id: session, snapshot_index: 2, actions_json: actions, created_at: at },
    ],
    [
      "interaction_logs",
      derivedId("log", session, "1"),
      {
        id: derivedId("log", session, "1"),
        session_id: session,
        user_id: user.sub,
        role: "user",
        content: "hello",
        content_type: "user_input",
        event_type: "user_message",
        created_at: at,
      },
    ],
    [
      "concept_events",
      derivedId("concept_event", session, "1"),
      {
        id: derivedId("concept_event", session, "1"),
        session_id: session,
        user_id: user.sub,
        concept: "osmosis",
        outcome: "correct",
        delta_mastery: 0.25,
        created_at: at,
      },
    ],
    [
      "processed_messages",
      `${session}/m/1`,
      { session_id: session, client_message_id: "m/1", frames, created_at: Date.now() - 60_000 },
    ],
    ["yjs_snapshots", session, { session_id: session, state, updated_at: at }],
  ]);
  return { user, folder, session, list };
}

async function isWhole(c: Context, { user, folder, session, list }: Written): Promise<void> {
  const own = (rows: Json[]): Json[] => rows.filter(({ kind }) => kind !== "accounts");
  const rows = await rowsOf(c, user.sub);
  const shown = ({ kind, key, op, version, origin, data }: Json): Json => ({
    kind,
    key,
    op,
    version,
    origin,
    data: kind === "yjs_snapshots" ? null : data,
  });
  const sorted = (some: Json[]): Json[] =>
    some.map(shown).sort((a, b) => (`${a.kind} ${a.key}` < `${b.kind} ${b.key}` ? -1 : 1));
  assert.deepEqual(sorted(own(rows)), sorted(list));
  const { sections } = await digest(c, user.sub);
  const wanted = digestOf(list).sections;
  for (const kind of Object.keys(wanted)) if (kind !== "accounts") assert.deepEqual(sections[kind], wanted[kind], kind);
  const found = (await c.get(`/api/v1/folders/${folder}`, user)).json();
  assert.deepEqual([found.name, found.session_count], ["copied", 1]);
  assert.deepEqual(
    (await c.get("/api/v1/sessions", user)).json().sessions.map((one: Json) => one.id ?? one.session_id),
    [session],
  );
  const messages = (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  assert.deepEqual(
    messages.map((row: Json) => row.turn_no),
    [1, 2],
  );
  const board = await c.board(user, session);
  match(board.json(), { objects: { a: { kind: "rect", metadata: { source: "user" } } }, ephemeral: {} });
}

item(
  "rest §7",
  "a user who came by changes alone finds everything, and the digest is that of the rows",
  async (c) => {
    const one = await written(c);
    match(await apply(c, one.list), { applied: one.list.length, skipped: 0, rejected: [], conflicts: [] });
    await isWhole(c, one);
    const tutor = await c.tutor(one.user, one.session);
    assert.equal(tutor.init.whiteboard_actions_to_replay.length, 1);
    match(
      await tutor.ask({ type: "user_message", data: { text: "again" }, client_message_id: "m/1" }),
      one.list[7].data.frames[0],
    );
    match(await tutor.say("what now?"), explanation());
    const rows = (await c.get(`/api/v1/sessions/${one.session}/messages`, one.user)).json();
    assert.deepEqual(
      rows.map((row: Json) => row.turn_no),
      [1, 2, 3, 4],
    );
    const logs = (await rowsOf(c, one.user.sub)).filter(({ kind }) => kind === "interaction_logs");
    assert.deepEqual(
      logs.map(({ key }) => key).sort(),
      [derivedId("log", one.session, "1"), derivedId("log", one.session, "2")].sort(),
    );
  },
  AT_STORE,
);

item(
  "rest §7",
  "applying is idempotent, in any order, one by one or twice: the same rows stand there",
  async (c) => {
    const one = await written(c);
    for (const change of one.list.toReversed()) await apply(c, [change]);
    await apply(c, one.list);
    const again = await apply(c, one.list);
    match(again, { applied: 0, skipped: one.list.length, rejected: [], conflicts: [] });
    await isWhole(c, one);
    assert.ok(
      (await changesOf(c, one.user.sub))
        .filter(({ kind }) => kind !== "accounts")
        .every(({ origin }) => origin === foreignTo(c)),
      "the feed keeps the origin",
    );
  },
  AT_STORE,
);

item(
  "rest §7",
  "the greater version wins, of equal ones the origin that is later in the alphabet; who loses is named",
  async (c) => {
    const user = c.user();
    const folder = await c.folder(user, "own");
    // Without `seen` the versions alone decide.
    const { seen: _, ...stored } = (await rowsOf(c, user.sub)).find(({ kind }) => kind === "folders");
    const change = (version: number, origin: string, name: string): Json => ({
      ...stored,
      version,
      origin,
      data: { ...stored.data, name },
    });
    const name = async (): Promise<string> => (await c.get(`/api/v1/folders/${folder}`, user)).json().name;
    const [mine, theirs] = [ownOf(c), foreignTo(c)];
    const loses = mine === "legacy";
    const tie = await apply(c, [change(1, theirs, "tie")]);
    match([tie.applied, tie.skipped, tie.conflicts.length], loses ? [0, 1, 1] : [1, 0, 1]);
    assert.equal(await name(), loses ? "own" : "tie");
    match(await apply(c, [change(5, theirs, "five")]), { applied: 1, skipped: 0, rejected: [], conflicts: [] });
    match(await apply(c, [change(4, theirs, "four")]), { applied: 0, skipped: 1, rejected: [], conflicts: [] });
    const late = await apply(c, [change(3, mine, "three")]);
    match([late.applied, late.skipped, late.conflicts], [0, 1, [{ seq: stored.seq, kind: "folders", key: folder }]]);
    assert.equal(await name(), "five");
    await c.api("PATCH", `/api/v1/folders/${folder}`, { user, body: { name: "six" } });
    const now = (await rowsOf(c, user.sub)).find(({ kind }) => kind === "folders");
    assert.deepEqual([now.version, now.origin, now.data.name], [6, mine, "six"]);
  },
  AT_STORE,
);

item(
  "rest §7",
  "two writes conflict when neither knows of the other: `seen` says what the other arm knew, and what has been here",
  async (c) => {
    const user = c.user();
    const folder = await c.folder(user, "own");
    const row = async (): Promise<Json> => (await rowsOf(c, user.sub)).find(({ kind }) => kind === "folders");
    const rename = (name: string) => c.api("PATCH", `/api/v1/folders/${folder}`, { user, body: { name } });
    const stored = await row();
    assert.equal(stored.seen, 0);
    const change = (version: number, seen: number, name: string): Json => ({
      ...stored,
      version,
      seen,
      origin: foreignTo(c),
      data: { ...stored.data, name },
    });
    const lost = [{ seq: stored.seq, kind: "folders", key: folder }];
    const known = change(2, 1, "knows of ours");
    match(await apply(c, [known]), { applied: 1, skipped: 0, rejected: [], conflicts: [] });
    await rename("goes on from it");
    match(await apply(c, [known]), { applied: 0, skipped: 1, rejected: [], conflicts: [] });
    match(await apply(c, [change(5, 1, "knows of no 3")]), { applied: 1, skipped: 0, rejected: [], conflicts: lost });
    assert.equal((await row()).seen, undefined, "of the other arm's writes its own feed says it");
    await rename("ours again");
    assert.equal((await row()).seen, 5);
    match(await apply(c, [change(4, 1, "known by now")]), { applied: 0, skipped: 1, rejected: [], conflicts: [] });
  },
  AT_STORE,
);

item(
  "rest §7",
  "a deletion removes the row and is remembered: what is older does not bring it back",
  async (c) => {
    const one = await written(c);
    await apply(c, one.list);
    const { data: _, ...session } = one.list[1];
    const deleted = { ...session, op: "delete", version: 2 };
    match(await apply(c, [deleted]), { applied: 1, skipped: 0, rejected: [], conflicts: [] });
    assert.equal((await c.get(`/api/v1/sessions/${one.session}`, one.user)).status, 404);
    match(await apply(c, [one.list[1]]), { applied: 0, skipped: 1, rejected: [], conflicts: [] });
    assert.equal((await c.get(`/api/v1/sessions/${one.session}`, one.user)).status, 404);
    const feed = (await changesOf(c, one.user.sub)).findLast(({ kind }) => kind === "sessions");
    match([feed.op, feed.version, feed.origin, feed.data], ["delete", 2, foreignTo(c), undefined]);
    const unknown = { ...deleted, key: randomUUID() };
    assert.equal((await apply(c, [unknown])).applied, 1, "a deletion that comes before its row is remembered too");
  },
  AT_STORE,
);

item(
  "rest §7",
  "what cannot be a change is rejected with a reason, and the others are applied",
  async (c) => {
    const user = c.user();
    const id = randomUUID();
    const data = {
      id,
      user_id: user.sub,
      name: "a",
      vector_store_id: null,
      knowledge_base: null,
      created_at: 1,
      updated_at: 1,
    };
    const [good] = changesFrom(c, user, [["folders", id, data]]) as [Json];
    const { name: _, ...nameless } = data;
    const bad: Json[] = [
      { ...good, seq: 11, kind: "nonsense" },
      { ...good, seq: 12, op: "replace" },
      { ...good, seq: 13, version: 0 },
      { ...good, seq: 14, origin: "elsewhere" },
      { ...good, seq: 15, data: nameless },
      { ...good, seq: 16, key: randomUUID() },
      { ...good, seq: 17, data: { ...data, created_at: "yesterday" } },
      { ...good, seq: 18, data: undefined },
    ];
    const answer = await apply(c, [...bad.slice(0, 4), good, ...bad.slice(4)]);
    assert.equal(answer.applied, 1);
    match(
      answer.rejected,
      bad.map(({ seq }) => ({ seq, reason: text })),
    );
    assert.equal((await c.get(`/api/v1/folders/${id}`, user)).status, 200);
    for (const body of [{}, { changes: 1 }, { changes: Array.from({ length: 1_001 }, () => good) }]) {
      assert.equal((await internal(c, "POST", "/internal/changes", body)).status, 422);
    }
  },
  AT_STORE,
);

item(
  "rest §7",
  "a live session takes up what came from outside before its next turn",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const tutor = await c.tutor(user, session);
    match(await tutor.say("one"), explanation());
    const rows = await rowsOf(c, user.sub);
    const stored = rows.find(({ kind }) => kind === "sessions");
    const message = rows.find(({ kind, key }) => kind === "session_messages" && key.endsWith("/1"));
    const origin = foreignTo(c);
    const at = (turn: number, role: string, words: string): Json => ({
      ...message,
      key: `${session}/${turn}`,
      version: 1,
      origin,
      data: {
        ...message.data,
        turn_no: turn,
        role,
        text: words,
        payload_json:
          role === "user" ? null : { content_type: "explanation", data: { text: words }, whiteboard_actions: null },
      },
    });
    const context = { ...stored.data.context, latest_turn_no: 4, current_teaching_topic: "photosynthesis" };
    const answer = await apply(c, [
      at(3, "user", "elsewhere"),
      at(4, "assistant", "there"),
      { ...stored, version: stored.version + 1, origin, data: { ...stored.data, context } },
    ]);
    assert.equal(answer.applied, 3, JSON.stringify(answer));
    match(await tutor.say("two"), explanation());
    const turns = (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
    assert.deepEqual(
      turns.map((row: Json) => row.turn_no),
      [1, 2, 3, 4, 5, 6],
    );
    const now = (await rowsOf(c, user.sub)).find(({ kind }) => kind === "sessions");
    assert.equal(now.data.context.latest_turn_no, 6);
    assert.equal(now.origin, ownOf(c));
  },
  AT_STORE,
);

item(
  "rest §7",
  "boards are merged, never replaced: a live one relays what came, and a deletion is not undone",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const board = await c.board(user, session);
    board.put("mine", drawn("rect"));
    board.put("gone", drawn("dot"));
    const row = async (): Promise<Json> => (await rowsOf(c, user.sub)).find(({ kind }) => kind === "yjs_snapshots");
    const holds = (state: string): Json => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, Buffer.from(state, "base64"));
      return doc.getMap("objects").toJSON();
    };
    const first = await eventually(async () => {
      const found = await row();
      assert.deepEqual(Object.keys(holds(found.data.state)).sort(), ["gone", "mine"]);
      return found;
    });
    const theirs = new Y.Doc();
    Y.applyUpdate(theirs, Buffer.from(first.data.state, "base64"));
    theirs.getMap("objects").set("theirs", drawn("line"));
    theirs.getMap("objects").delete("gone");
    const state = base64(Y.encodeStateAsUpdate(theirs));
    const change = { ...first, version: 1, origin: foreignTo(c), data: { ...first.data, state } };
    assert.equal((await apply(c, [change])).applied, 1, "whatever its version");
    await board.until(() => match(board.json().objects, { mine: drawn("rect"), theirs: drawn("line") }));
    board.put("later", drawn("box"));
    const both = await eventually(async () => {
      const found = await row();
      assert.deepEqual(Object.keys(holds(found.data.state)).sort(), ["later", "mine", "theirs"]);
      return found;
    });
    const again = await apply(c, [change]);
    assert.deepEqual([again.applied, again.skipped], [0, 1], "it adds nothing any more");
    const older = await apply(c, [{ ...first, version: 9_000, origin: foreignTo(c) }]);
    assert.deepEqual([older.applied + older.skipped, older.rejected], [1, []]);
    assert.deepEqual(
      Object.keys(holds((await row()).data.state)).sort(),
      ["later", "mine", "theirs"],
      "an older state takes nothing away",
    );
    assert.ok(both.version > first.version);
  },
  AT_STORE,
);
