import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Frame } from "../../proxy/ports.ts";
import { OPEN_IDS_MAX, tutorCodec, type TutorState } from "./tutor.ts";

const text = (value: unknown): Frame => ({
  isBinary: false,
  data: new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)),
});
const read = (frame: Frame): string => new TextDecoder().decode(frame.data);

const INIT = text({ type: "SESSION_INIT_STATE", chat_history: [], whiteboard_actions_to_replay: [] });
const envelope = (content_type: string, data: object, rest: object = { whiteboard_actions: null }): Frame =>
  text({ schema_version: 1, content_type, data, user_model_state: {}, ...rest });
const answer = (n: number | string): Frame => envelope("explanation", { explanation_text: `answer ${n}` });
const failure = (error_code: string): Frame => envelope("error", { error_code });
const say = (id?: string): Frame =>
  text({ type: "user_message", data: { text: "Hi" }, ...(id === undefined ? {} : { client_message_id: id }) });

function run(steps: readonly (readonly ["client" | "arm", Frame])[], from: TutorState = tutorCodec.start()) {
  let state = from;
  const classes: string[] = [];
  for (const [side, frame] of steps) {
    const [next, kind] = side === "client" ? tutorCodec.fromClient(state, frame) : tutorCodec.fromArm(state, frame);
    state = next;
    classes.push(kind);
    assert.ok(tutorCodec.openTurns(state) >= 0);
  }
  return { state, classes, open: tutorCodec.openTurns(state) };
}

const greeted = run([["arm", INIT]]).state;

test("every queued frame opens a turn, malformed ones too", () => {
  const frames: Frame[] = [
    say(),
    ...["answer", "next", "previous", "summary", "start", "canvas_click", "end_session", "pace_change"].map((type) =>
      text({ type }),
    ),
    text("{}"),
    text("not json"),
    text("[1]"),
    text({ type: 7 }),
    text({ type: "user_message", client_message_id: "" }),
    { isBinary: true, data: Uint8Array.of(1, 2) },
  ];
  for (const frame of frames) {
    const { classes, open } = run([["client", frame]], greeted);
    assert.deepEqual([classes, open], [["turn"], 1], read(frame));
  }
});

test("frames the reader handles at once are aside and open nothing", () => {
  for (const type of ["ping", "heartbeat", "system_tick", "BOARD_STATE_RESPONSE"]) {
    assert.deepEqual(run([["client", text({ payload: [], type })]], greeted).classes, ["aside"]);
  }
  const huge = text(`{"type":"BOARD_STATE_RESPONSE","payload":["${"x".repeat(2_000_000)}"]}`);
  assert.deepEqual(run([["client", huge]], greeted).classes, ["aside"]);
});

test("a turn is closed by its envelope, not by its parts", () => {
  const { classes, open } = run(
    [
      ["client", say()],
      ["arm", text({ type: "REQUEST_BOARD_STATE", request_id: "r" })],
      ["arm", text({ type: "raw_delta", turn_id: "s:1", seq: 0, delta: "Pl" })],
      ["arm", text({ type: "raw_reset", turn_id: "s:1", seq: 1 })],
      ["arm", text({ type: "pong", timestamp: 1 })],
      ["arm", answer(1)],
    ],
    greeted,
  );
  assert.deepEqual(classes, ["turn", "part", "part", "part", "own", "final"]);
  assert.equal(open, 0);
});

test("envelopes are known whatever their key order or missing first key", () => {
  for (const frame of [
    text({ content_type: "message", data: {}, user_model_state: {}, whiteboard_actions: null }),
    text({ data: {}, content_type: "message", schema_version: 1 }),
    text('{ "schema_version": 1, "content_type": "message" }'),
    text('{"schema_version":1,"content_type":"expl'),
  ]) {
    assert.deepEqual(
      run(
        [
          ["client", say()],
          ["arm", frame],
        ],
        greeted,
      ).open,
      0,
      read(frame),
    );
  }
});

test("unknown frames from the arm are pushes and close nothing", () => {
  const frames = [text({ type: "noise" }), text("gibberish"), text({}), { isBinary: true, data: Uint8Array.of(0) }];
  for (const frame of frames) {
    const { classes, open } = run(
      [
        ["client", say()],
        ["arm", frame],
      ],
      greeted,
    );
    assert.deepEqual([classes[1], open], ["push", 1]);
  }
});

test("the initial state, the pending question and the planner's failure are greeting, even behind a waiting turn", () => {
  const question = envelope("question", { question_id: "q" });
  const { classes, open } = run([
    ["client", say()],
    ["arm", INIT],
    ["arm", question],
    ["arm", failure("PLANNING_ERROR")],
    ["arm", answer(1)],
  ]);
  assert.deepEqual(classes, ["turn", "greeting", "greeting", "greeting", "final"]);
  assert.equal(open, 0);
});

test("a question that answers the first turn is final: it draws or names its turn", () => {
  for (const rest of [
    { whiteboard_actions: [{ type: "ADD_OBJECTS" }] },
    { whiteboard_actions: null, turn_id: "s:1" },
  ]) {
    const { classes } = run(
      [
        ["client", say()],
        ["arm", envelope("question", {}, rest)],
      ],
      greeted,
    );
    assert.deepEqual(classes, ["turn", "final"]);
  }
});

test("a question after the first answer is no greeting", () => {
  const { classes, open } = run(
    [
      ["client", say()],
      ["client", say()],
      ["arm", answer(1)],
      ["arm", envelope("question", {})],
    ],
    greeted,
  );
  assert.deepEqual(classes.slice(2), ["final", "final"]);
  assert.equal(open, 0);
});

test("a planner failure answers a start frame", () => {
  const { classes, open } = run(
    [
      ["client", text({ type: "start" })],
      ["arm", failure("PLANNING_ERROR")],
    ],
    greeted,
  );
  assert.deepEqual([classes[1], open], ["final", 0]);
});

test("a repeat of a finished id is answered again", () => {
  const { classes, open } = run(
    [
      ["client", say("m-1")],
      ["arm", answer(1)],
      ["client", say("m-1")],
      ["arm", answer(1)],
    ],
    greeted,
  );
  assert.deepEqual(classes, ["turn", "final", "turn", "final"]);
  assert.equal(open, 0);
});

test("a repeat of an open id waits for the one envelope", () => {
  const { classes, open } = run(
    [
      ["client", say("m-1")],
      ["client", say("m-1")],
      ["client", say("m-2")],
      ["arm", answer(1)],
    ],
    greeted,
  );
  assert.deepEqual(classes, ["turn", "ordered", "turn", "final"]);
  assert.equal(open, 1);
});

test("a stored envelope that crossed its repeat closes no other turn", () => {
  const { classes, open } = run(
    [
      ["client", say("m-1")],
      ["client", say("m-1")],
      ["client", say("m-2")],
      ["arm", answer(1)],
      ["arm", answer(1)],
    ],
    greeted,
  );
  assert.deepEqual(classes.slice(3), ["final", "own"]);
  assert.equal(open, 1);
});

test("an overflow answers the newest frame, so the ids of the older ones stay open", () => {
  const { state, open } = run(
    [
      ["client", say("m-1")],
      ["client", say("m-2")],
      ["arm", failure("QUEUE_OVERFLOW")],
    ],
    greeted,
  );
  assert.equal(open, 1);
  assert.deepEqual(
    state.open.map((turn) => turn.messageId),
    ["m-1"],
  );
});

test("more open turns than kept ids are still counted", () => {
  const steps = Array.from({ length: OPEN_IDS_MAX + 10 }, () => ["client", say()] as const);
  const { state, open } = run(steps, greeted);
  assert.equal(open, OPEN_IDS_MAX + 10);
  assert.equal(state.open.length, OPEN_IDS_MAX);
  assert.equal(
    run(
      Array.from({ length: open }, (_, i) => ["arm", answer(i)] as const),
      state,
    ).open,
    0,
  );
});

const ANSWERED = "answered";
const scriptStep = fc.constantFrom("plain", "named", "ping", "fence", "next", "garbage", ANSWERED, ANSWERED);
const SCRIPT_FRAMES: Readonly<Record<string, Frame>> = {
  plain: say(),
  named: say("a"),
  ping: text({ type: "ping" }),
  fence: text("{}"),
  next: text({ type: "next" }),
  garbage: text("no"),
};

test("counts one envelope for every queued frame in any interleaving, never below zero", () => {
  fc.assert(
    fc.property(fc.array(scriptStep, { maxLength: 80 }), (script) => {
      let state = greeted;
      let queue: string[] = [];
      for (const [i, step] of script.entries()) {
        const frame = SCRIPT_FRAMES[step];
        const isRepeat = step === "named" && queue.includes("named");
        if (frame) state = tutorCodec.fromClient(state, frame)[0];
        else state = tutorCodec.fromArm(state, answer(i))[0];
        if (!frame) queue = queue.slice(1);
        else if (step !== "ping" && !isRepeat) queue = [...queue, step];
        assert.equal(tutorCodec.openTurns(state), queue.length);
      }
    }),
  );
});

test("only the application's own closes are intended", () => {
  const isIntended = (code: number, reason = ""): boolean => tutorCodec.isIntended(greeted, { code, reason });
  for (const code of [1003, 1007, 1008, 1009, 4000, 4403, 4999]) assert.ok(isIntended(code), String(code));
  assert.ok(isIntended(1000, "User ended session"));
  assert.ok(isIntended(1013, "Slow consumer"));
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014]) assert.ok(!isIntended(code), String(code));
});
