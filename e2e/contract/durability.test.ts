import assert from "node:assert/strict";
import { eventually, nonce, temporaryDir, type Json } from "../support/index.ts";
import { explanation, item, match, startOwn, type ItemOptions } from "./harness/index.ts";

const OWN: ItemOptions = { on: "own", timeoutMs: 60_000 };

item(
  "G13",
  "acknowledged turns, folders and boards survive a killed process",
  async (c) => {
    const dataDir = temporaryDir("durability");
    const { arm, at } = await startOwn(c, { dataDir });
    const user = at.user();
    const folder = await at.folder(user, "kept");
    const session = await at.session(user, { folder_id: folder });
    const tutor = await at.tutor(user, session);
    const board = await at.board(user, session);
    board.put("a", { kind: "rect", metadata: { source: "user" } });
    const replies: Json[] = [];
    for (let i = 0; i < 5; i++) replies.push(await tutor.say(`turn ${i}`));
    const drawn = await tutor.tool("show_pointer_at", { x: 1, y: 2 });
    await eventually(async () =>
      assert.ok((await at.get(`/api/v1/sessions/${session}/whiteboard_snapshot`, user)).body.length > 2),
    );
    await at.pause(1_100); // a board is durable within a second of its relay (whiteboard §3)
    arm.signal("SIGKILL");
    await arm.exited();
    const { at: again } = await startOwn(c, { dataDir });
    const rows = (await again.get(`/api/v1/sessions/${session}/messages`, user)).json();
    match(
      rows.filter((row: Json) => row.role === "assistant").map((row: Json) => row.payload_json),
      [...replies, drawn],
    );
    assert.equal((await again.get(`/api/v1/folders/${folder}`, user)).json().session_count, 1);
    match((await again.board(user, session)).json().objects, { a: { kind: "rect", metadata: { source: "user" } } });
    match((await again.tutor(user, session)).init.whiteboard_actions_to_replay, drawn.whiteboard_actions);
  },
  OWN,
);

item(
  "G10",
  "idempotency records and processed messages survive a killed process",
  async (c) => {
    const dataDir = temporaryDir("durability");
    const { arm, at } = await startOwn(c, { dataDir });
    const user = at.user();
    const session = await at.session(user);
    const key = { "Idempotency-Key": nonce() };
    const made = await at.post("/api/v1/folders/", user, { name: "a" }, key);
    const frame = { type: "user_message", data: { text: "hello" }, client_message_id: "m-1" };
    const answer = await (await at.tutor(user, session)).ask(frame);
    arm.signal("SIGKILL");
    await arm.exited();
    const { at: again } = await startOwn(c, { dataDir });
    const repeat = await again.post("/api/v1/folders/", user, { name: "a" }, key);
    match([repeat.status, repeat.headers["idempotency-replayed"], repeat.json()], [201, "true", made.json()]);
    match(await (await again.tutor(user, session)).ask(frame), answer);
  },
  OWN,
);

item(
  "faults §2",
  "crash-mid-turn: the process dies between store and reply, a repeat does not double the effect",
  async (c) => {
    const dataDir = temporaryDir("durability");
    const { arm, at } = await startOwn(c, { dataDir, env: { FAULTS: "crash-mid-turn" } });
    const user = at.user();
    const session = await at.session(user);
    const frame = { type: "user_message", data: { text: "hello" }, client_message_id: "m-1" };
    const tutor = await at.tutor(user, session);
    tutor.send(frame);
    const exit = await arm.exited();
    assert.ok(exit.code === 137 || exit.signal === "SIGKILL", JSON.stringify(exit));
    assert.equal(tutor.pending(), 0, "no reply");
    const { at: again } = await startOwn(c, { dataDir });
    match(await (await again.tutor(user, session)).ask(frame), explanation());
    const rows = (await again.get(`/api/v1/sessions/${session}/messages`, user)).json();
    assert.deepEqual(
      rows.map((row: Json) => row.role),
      ["user", "assistant"],
    );
  },
  OWN,
);
