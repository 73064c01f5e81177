import assert from "node:assert/strict";
import * as Y from "yjs";
import { refusedHandshake, type Json } from "../support/index.ts";
import { item, match, text, updateOf, type Board, type Context } from "./harness/index.ts";

async function room(c: Context, clients: number) {
  const user = c.user();
  const session = await c.session(user);
  const boards: Board[] = [];
  for (let i = 0; i < clients; i++) boards.push(await c.board(user, session));
  return { user, session, boards: boards as [Board, Board, ...Board[]] };
}

const owned = (x: number): Json => ({ kind: "rect", x, metadata: { source: "user" } });

item("whiteboard §2", "a refused token ends before the upgrade: 403 at an arm, 401 E1 at the proxy", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  for (const headers of [{}, { Authorization: "Bearer garbage" }]) {
    const { status, body } = await refusedHandshake(c.socketUrl(c.boardPath(session)), { headers });
    assert.equal(status, c.isProxy ? 401 : 403);
    if (c.isProxy) match(JSON.parse(body), { error_code: null, error_message: text, technical_details: null });
    else assert.equal(body, "");
  }
  const bad = await refusedHandshake(c.socketUrl(c.boardPath("not-a-uuid")), {
    headers: { Authorization: `Bearer ${user.token}` },
  });
  assert.equal(bad.status, 403);
});

item("whiteboard §2", "an unknown or foreign session is accepted and closed 4403 without a frame", async (c) => {
  const user = c.user();
  const foreign = await c.session(c.user());
  for (const session of ["6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10", foreign]) {
    const socket = await c.open(c.boardPath(session), { headers: { Authorization: `Bearer ${user.token}` } });
    assert.deepEqual(await socket.closed(), { code: 4403, reason: "Session not owned" });
    assert.equal(socket.log.length, 0);
  }
});

item("whiteboard §2", "the first frame is the full state, two bytes 00 00 for an empty board", async (c) => {
  const { boards, user, session } = await room(c, 1);
  assert.deepEqual([boards[0].first.isBinary, [...boards[0].first.data]], [true, [0, 0]]);
  boards[0].put("a", owned(1));
  const late = await c.board(user, session);
  match(late.json().objects, { a: owned(1) });
});

item("whiteboard §3", "an update is relayed unchanged to all others and never to its sender", async (c) => {
  const { boards } = await room(c, 3);
  const [one, two, three] = boards;
  const update = Buffer.from(updateOf((doc) => doc.getMap("objects").set("a", owned(1))));
  one.sendBinary(update);
  for (const peer of [two, three as Board]) {
    await peer.until(() => match(peer.json().objects, { a: owned(1) }));
    assert.ok(peer.received[0]?.equals(update), "the original bytes");
  }
  two.put("b", owned(2));
  await one.until(() => match(one.json().objects, { b: owned(2) }));
  assert.equal(one.received.length, 1, "its own update did not come back");
});

item("whiteboard §3", "what a client adds without source `user` is set to it, for everybody", async (c) => {
  const { boards } = await room(c, 2);
  const [one, two] = boards;
  const rows: [string, Json, Json][] = [
    [
      "forged",
      { kind: "rect", metadata: { source: "assistant", role: "x" } },
      { kind: "rect", metadata: { source: "user", role: "x" } },
    ],
    ["bare", { kind: "rect" }, { kind: "rect", metadata: { source: "user" } }],
    ["odd", { kind: "rect", metadata: "none" }, { kind: "rect", metadata: { source: "user" } }],
    ["own", owned(1), owned(1)],
    ["plain", "text", "text"],
  ];
  for (const [id, value] of rows) one.put(id, value);
  const expected = Object.fromEntries(rows.map(([id, , value]) => [id, value]));
  for (const board of [one, two]) await board.until(() => match(board.json().objects, expected));
});

item("whiteboard §3", "an object the tutor drew keeps its source, keys nobody touched are not rewritten", async (c) => {
  const { user, session, boards } = await room(c, 2);
  const [one, two] = boards;
  const tutor = await c.tutor(user, session);
  await tutor.tool("draw", { objects: [{ id: "tutors", kind: "rect" }] });
  one.put("tutors", { kind: "rect", metadata: { source: "assistant" } });
  one.put("forged", { kind: "rect", metadata: { source: "assistant" } });
  for (const board of [one, two]) {
    await board.until(() => {
      match(board.json().objects, {
        tutors: { kind: "rect", metadata: { source: "assistant" } },
        forged: { kind: "rect", metadata: { source: "user" } },
      });
    });
  }
});

item("whiteboard §3", "bytes that are no update are dropped, the socket stays open", async (c) => {
  const { boards, user, session } = await room(c, 2);
  const [one, two] = boards;
  for (const junk of [Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.from("hello"), Buffer.from([1])])
    one.sendBinary(junk);
  one.put("a", owned(1));
  await two.until(() => match(two.json().objects, { a: owned(1) }));
  assert.equal(two.received.length, 1, "junk is not relayed");
  const late = await c.board(user, session);
  match(late.json().objects, { a: owned(1) });
});

item(
  "whiteboard §3",
  "an update that depends on a missing one is relayed, stored and applied once that arrives",
  async (c) => {
    const { boards, user, session } = await room(c, 2);
    const [one, two] = boards;
    const doc = new Y.Doc();
    const updates: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => updates.push(update));
    doc.getMap("objects").set("a", owned(1));
    doc.getMap("objects").set("b", owned(2));
    const [first, second] = updates as [Uint8Array, Uint8Array];
    one.sendBinary(second);
    await two.until(() => assert.equal(two.received.length, 1));
    match(two.json().objects, {});
    one.sendBinary(first);
    await two.until(() => match(two.json().objects, { a: owned(1), b: owned(2) }));
    const late = await c.board(user, session);
    await late.until(() => match(late.json().objects, { a: owned(1), b: owned(2) }));
  },
);

item(
  "whiteboard §2",
  "a text frame closes its sender 1003 `Binary frames only` and leaves the document alone",
  async (c) => {
    const { boards } = await room(c, 2);
    const [one, two] = boards;
    two.put("a", owned(1));
    await one.until(() => match(one.json().objects, { a: owned(1) }));
    one.send("hello");
    assert.deepEqual(await one.closed(), { code: 1003, reason: "Binary frames only" });
    two.put("b", owned(2));
    match(two.json().objects, { a: owned(1), b: owned(2) });
    assert.equal(two.socket.readyState, two.socket.OPEN);
  },
);

item("whiteboard §2", "the state survives the last socket: a later one gets all of it", async (c) => {
  const { boards, user, session } = await room(c, 2);
  const [one, two] = boards;
  one.put("a", owned(1));
  two.putEphemeral("t", { kind: "question_tag", x: 1, y: 2 });
  await one.until(() => assert.ok(one.json().ephemeral.t));
  await two.until(() => assert.ok(two.json().objects.a));
  await Promise.all([one.close(), two.close()]);
  const later = await c.board(user, session);
  match(later.json(), { objects: { a: owned(1) }, ephemeral: { t: { kind: "question_tag", x: 1, y: 2 } } });
});

item("whiteboard §3", "twenty edits at once by four clients converge, deletions included", async (c) => {
  const { boards, user, session } = await room(c, 4);
  for (const [n, board] of boards.entries()) for (let i = 0; i < 5; i++) board.put(`o${n}-${i}`, owned(i));
  for (const board of boards) await board.until(() => assert.equal(Object.keys(board.json().objects).length, 20));
  boards[0].objects.delete("o3-0");
  boards[1].put("o3-1", owned(99));
  for (const board of boards) {
    await board.until(() => match([board.json().objects["o3-0"] ?? null, board.json().objects["o3-1"].x], [null, 99]));
    match(board.json(), boards[0].json());
  }
  const late = await c.board(user, session);
  match(late.json(), boards[0].json());
});

item("whiteboard §4", "expired ephemeral entries are collected for everybody, others stay", async (c) => {
  const { boards } = await room(c, 2);
  const [one, two] = boards;
  const kept = {
    tag: { kind: "question_tag", x: 1 },
    odd: { kind: "x", metadata: { expiresAt: "soon" } },
    later: { metadata: { expiresAt: Date.now() + 600_000 } },
  };
  for (const [id, value] of Object.entries(kept)) one.putEphemeral(id, value);
  one.putEphemeral("gone", { metadata: { expiresAt: Date.now() + 300 } });
  await two.until(() => assert.ok(two.json().ephemeral.gone));
  for (const board of [one, two]) await board.until(() => match(board.json().ephemeral, kept), 14_000);
});
