import assert from "node:assert/strict";
import { derivedId8, refusedHandshake, spellings, type SocketOptions } from "../support/index.ts";
import { explanation, item, match, text, type Context } from "./harness/index.ts";

const UNKNOWN = "6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10";
const bearer = (token: string): SocketOptions => ({ headers: { Authorization: `Bearer ${token}` } });

async function refusal(c: Context, path: string, options: SocketOptions = {}) {
  return refusedHandshake(c.socketUrl(path), options);
}

item(
  "G7",
  "a missing or refused token ends before the upgrade: 403 without body at an arm, 401 E1 at the proxy",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const expired = c.issuer.token(user.sub, user.email, { exp: 1_700_000_000 });
    const path = c.tutorPath(session);
    const attempts: [string, SocketOptions][] = [
      [path, {}],
      [path, bearer("garbage")],
      [path, bearer(expired)],
      [`${path}?token=garbage`, {}],
      [`${path}?token=${user.token}`, bearer("garbage")],
      [`${path}?token=${user.token}&token=garbage`, {}],
    ];
    for (const [where, options] of attempts) {
      const { status, body } = await refusal(c, where, options);
      assert.equal(status, c.isProxy ? 401 : 403, where.slice(0, 80));
      if (c.isProxy) match(JSON.parse(body), { error_code: null, error_message: text, technical_details: null });
      else assert.equal(body, "");
    }
  },
);

item("G7", "the token comes in the header or the query, the header wins, of several the last one counts", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const path = c.tutorPath(session);
  const attempts: [string, SocketOptions][] = [
    [path, bearer(user.token)],
    [`${path}?token=${user.token}`, {}],
    [`${path}?token=garbage`, bearer(user.token)],
    [`${path}?token=garbage&token=${user.token}`, {}],
  ];
  for (const [where, options] of attempts) {
    const socket = await c.open(where, options);
    assert.equal((await socket.nextJson()).type, "SESSION_INIT_STATE");
  }
});

item("tutor §1", "an unknown, foreign or malformed session is refused with 403 before the upgrade", async (c) => {
  const user = c.user();
  const foreign = await c.session(c.user());
  for (const session of [UNKNOWN, foreign, "not-a-uuid", `%20${UNKNOWN}`]) {
    const { status, body } = await refusal(c, c.tutorPath(session), bearer(user.token));
    assert.equal(status, 403, session);
    if (!c.isProxy) assert.equal(body, "");
  }
});

item("G7", "an unknown socket path is 403 without body at an arm and 404 at the proxy", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  for (const path of ["/ws/v3/session/x", `/ws/tutor/${session}`, "/socket"]) {
    const { status, body } = await refusal(c, path, bearer(user.token));
    assert.equal(status, c.isProxy ? 404 : 403, path);
    if (!c.isProxy) assert.equal(body, "");
  }
});

item(
  "README §6",
  "an arm answers 403 on the tutor path it does not serve",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const other = c.target.arm === "control" ? `/ws/v2/session/${session}` : `/api/v1/ws/session/${session}`;
    const { status, body } = await refusal(c, other, bearer(user.token));
    match([status, body], [403, ""]);
  },
  { on: "arms" },
);

item(
  "README §6",
  "the proxy takes both tutor paths",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    for (const path of [`/ws/v2/session/${session}`, `/api/v1/ws/session/${session}`]) {
      const socket = await c.open(path, bearer(user.token));
      assert.equal((await socket.nextJson()).type, "SESSION_INIT_STATE");
    }
  },
  { on: "proxy" },
);

item("G4", "the session id of a socket path may be spelled in every legal way", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  for (const spelling of spellings(session)) {
    const socket = await c.open(c.tutorPath(encodeURIComponent(spelling)), bearer(user.token));
    match(await socket.nextJson(), { type: "SESSION_INIT_STATE", chat_history: [], whiteboard_actions_to_replay: [] });
    socket.terminate();
  }
});

item("tutor §1", "the 101 names the contract, agrees to no extension and no sub-protocol", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const socket = await c.open(c.tutorPath(session), { ...bearer(user.token), perMessageDeflate: true });
  assert.equal(socket.upgradeHeaders["x-contract-version"], "1.0.0");
  const arm = c.target.arm === "control" ? "legacy" : "candidate";
  assert.equal(socket.upgradeHeaders["x-backend-arm"], c.isProxy ? undefined : arm);
  assert.equal(socket.upgradeHeaders["sec-websocket-extensions"], undefined);
  assert.equal(socket.upgradeHeaders["sec-websocket-protocol"], undefined);
});

item("tutor §1", "O1 is the first frame, nothing follows it unasked", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const tutor = await c.tutor(user, session);
  match(tutor.init, { type: "SESSION_INIT_STATE", chat_history: [], whiteboard_actions_to_replay: [] });
  assert.deepEqual(await tutor.fence(), []);
});

item("tutor §1", "O1 replays the chat and the board of the session", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const tutor = await c.tutor(user, session);
  const first = await tutor.say("What is osmosis?");
  const second = await tutor.tool("show_pointer_at", { x: 5, y: 6 });
  const third = await tutor.tool("delete_group", { group_id: "g1" });
  const again = await c.tutor(user, session);
  match(again.init, {
    type: "SESSION_INIT_STATE",
    chat_history: [
      { role: "user", text: "What is osmosis?", turn_no: 1 },
      { role: "assistant", text: first.data.explanation_text, turn_no: 2 },
      { role: "user", text: '!tool=show_pointer_at {"x":5,"y":6}', turn_no: 3 },
      { role: "assistant", text: "I updated the board.", turn_no: 4 },
      { role: "user", text: '!tool=delete_group {"group_id":"g1"}', turn_no: 5 },
      { role: "assistant", text: "I updated the board.", turn_no: 6 },
    ],
    whiteboard_actions_to_replay: [...second.whiteboard_actions, ...third.whiteboard_actions],
  });
});

item("tutor §1", "a pending question is shown again after O1, as a question envelope", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const question = {
    question: "2+2?",
    options: ["3", "4"],
    correct_answer_index: 1,
    explanation: "Count.",
    difficulty: "easy",
    related_section: "Sums",
  };
  const asked = await (await c.tutor(user, session)).tool("ask_question", { question_data: question });
  const socket = await c.open(c.tutorPath(session), bearer(user.token));
  assert.equal((await socket.nextJson()).type, "SESSION_INIT_STATE");
  const shown = await socket.nextJson();
  const data = {
    response_type: "question",
    question_type: "multiple_choice",
    question_data: question,
    context_summary: null,
    question_id: derivedId8("question", session, 2),
  };
  match([shown.schema_version, shown.content_type, shown.data], [1, "question", data]);
  match(shown.user_model_state, asked.user_model_state);
});

item("tutor §1", "any number of sockets share one session", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const sockets = await Promise.all(Array.from({ length: 5 }, () => c.tutor(user, session)));
  match(await sockets[2]?.say("hello"), explanation());
  for (const [index, socket] of sockets.entries()) if (index !== 2) assert.deepEqual(await socket.fence(), []);
});
