import assert from "node:assert/strict";
import { nonce, type Json, type ScriptedReply } from "../support/index.ts";
import { errorEnvelope, explanation, item, match, type Context } from "./harness/index.ts";

interface Turn {
  readonly deltas: Json[];
  readonly resets: Json[];
  readonly envelope: Json;
  /** The text of the deltas since the last reset. */
  readonly text: string;
  readonly frames: Json[];
}

function readTurn(frames: Json[]): Turn {
  const envelope = frames.at(-1);
  const lastReset = frames.findLastIndex((frame) => frame.type === "raw_reset");
  const text = frames
    .slice(lastReset + 1, -1)
    .map((frame) => frame.delta)
    .join("");
  const ofType = (type: string): Json[] => frames.filter((frame) => frame.type === type);
  return { deltas: ofType("raw_delta"), resets: ofType("raw_reset"), envelope, text, frames };
}

/** One streamed turn; checks what holds for every one: turn id, contiguous seq, envelope last. */
async function streamed(c: Context, text: string, script?: ScriptedReply[]): Promise<Turn & { session: string }> {
  const user = c.user();
  const session = await c.session(user);
  const word = nonce();
  if (script) await c.script(word, script);
  const tutor = await c.tutor(user, session, { stream: true });
  tutor.send({ type: "user_message", data: { text: `${text} ${word}` } });
  const turn = readTurn(await tutor.untilEnvelope(20_000));
  const id = `${session}:2`;
  assert.equal(turn.envelope.turn_id, id);
  assert.equal(Object.keys(turn.envelope).at(-1), "turn_id", "turn_id is the last key");
  const parts = turn.frames.slice(0, -1);
  assert.deepEqual(
    parts.map((frame) => frame.seq),
    parts.map((_, index) => index),
    "seq counts from 0 across resets",
  );
  for (const frame of parts) {
    if (frame.type === "raw_reset") match(frame, { type: "raw_reset", turn_id: id, seq: frame.seq });
    else match(frame, { type: "raw_delta", turn_id: id, seq: frame.seq, delta: frame.delta });
  }
  for (const { delta } of turn.deltas) assert.ok(typeof delta === "string" && delta.length > 0, "no empty delta");
  assert.deepEqual(await tutor.fence(), [], "nothing follows the envelope");
  return { ...turn, session };
}

const withTurn = (expected: Json, session: string): Json => ({ ...expected, turn_id: `${session}:2` });

item("tutor §5", "an explanation arrives in deltas whose concatenation is its text", async (c) => {
  const turn = await streamed(c, "Explain osmosis");
  match(turn.envelope, withTurn(explanation(), turn.session));
  assert.ok(turn.deltas.length >= 2, `${turn.deltas.length} deltas`);
  assert.equal(turn.resets.length, 0);
  assert.equal(turn.text, turn.envelope.data.explanation_text);
});

item("tutor §5", "without stream=1 there are no deltas and no turn_id", async (c) => {
  const user = c.user();
  const tutor = await c.tutor(user, await c.session(user));
  match(await tutor.say("Explain osmosis"), explanation());
});

item("tutor §5", "a stored envelope has no turn_id", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const tutor = await c.tutor(user, session, { stream: true });
  tutor.send({ type: "user_message", data: { text: "hello" } });
  const { turn_id: _, ...stored } = (await tutor.untilEnvelope()).at(-1);
  const rows = (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  match(rows[1].payload_json, stored);
});

item(
  "tutor §5",
  "one delta per stream event that decodes a character, escapes decoded, surrogate pairs whole",
  async (c) => {
    const pieces = [
      '{"name":"exp',
      'lain","args":{"text":"',
      "A\\",
      'n\\"q\\"',
      "\\u00e",
      "9\\ud83d",
      "\\ude00 ",
      "\\u2028x",
      '","title":"T"}}',
    ];
    const turn = await streamed(c, "escapes", [{ pieces }]);
    assert.equal(turn.envelope.data.explanation_text, 'A\n"q"é😀 \u2028x');
    assert.equal(turn.envelope.data.explanation_title, "T");
    assert.equal(turn.text, turn.envelope.data.explanation_text);
    assert.deepEqual(
      turn.deltas.map((frame) => frame.delta),
      ["A", '\n"q"', "é", "😀 ", "\u2028x"],
    );
  },
  { needsModel: true },
);

item(
  "tutor §5",
  "there are no deltas when args come before the name",
  async (c) => {
    const turn = await streamed(c, "args first", [
      { pieces: ['{"args":{"text":"one ', 'two"},', '"name":"explain"}'] },
    ]);
    match(turn.envelope, withTurn(explanation("one two"), turn.session));
    assert.deepEqual(turn.deltas, []);
  },
  { needsModel: true },
);

item(
  "tutor §5",
  "there are no deltas for another tool, nor for other arguments of explain",
  async (c) => {
    const other = await streamed(c, "other tool", [
      { pieces: ['{"name":"draw_text","args":{"text":"no ', 'delta"}}'] },
    ]);
    assert.equal(other.envelope.content_type, "message");
    assert.deepEqual(other.deltas, []);
    const title = await streamed(c, "title first", [
      { pieces: ['{"name":"explain","args":{"title":"not ', 'this","text":"but ', 'this"}}'] },
    ]);
    assert.deepEqual(
      title.deltas.map((frame) => frame.delta),
      ["but ", "this"],
    );
  },
  { needsModel: true },
);

item(
  "tutor §5",
  "a nested text is not args.text",
  async (c) => {
    const pieces = ['{"name":"explain","args":{"extra":{"text":"inner"},"text":"ou', 'ter"}}'];
    const turn = await streamed(c, "nested", [{ pieces }]);
    assert.equal(turn.text, "outer");
    match(turn.envelope, withTurn(explanation("outer"), turn.session));
  },
  { needsModel: true },
);

item("tutor §5", "an unusable reply after deltas is voided by raw_reset, the next attempt counts on", async (c) => {
  const turn = await streamed(c, "!trunc1");
  match(turn.envelope, withTurn(explanation(), turn.session));
  assert.equal(turn.resets.length, 1);
  const reset = turn.frames.findIndex((frame) => frame.type === "raw_reset");
  assert.ok(reset > 0, "deltas came before the reset");
  assert.equal(turn.text, turn.envelope.data.explanation_text);
});

item(
  "tutor §5",
  "a connection that breaks after deltas is voided and tried again",
  async (c) => {
    const broken: ScriptedReply = { pieces: ['{"name":"explain","args":{"text":"lost ', "words "], cut: true };
    const turn = await streamed(c, "breaks once", [
      broken,
      { pieces: ['{"name":"explain","args":{"text":"kept ', 'words"}}'] },
    ]);
    assert.deepEqual(
      turn.frames.slice(0, -1).map((f) => f.delta ?? f.type),
      ["lost ", "words ", "raw_reset", "kept ", "words"],
    );
    match(turn.envelope, withTurn(explanation("kept words"), turn.session));
  },
  { needsModel: true },
);

item("tutor §5", "a connection that always breaks ends in LLM_UNAVAILABLE, three times voided", async (c) => {
  const turn = await streamed(c, "!cut");
  match(turn.envelope, withTurn(errorEnvelope("LLM_UNAVAILABLE"), turn.session));
  assert.ok(turn.resets.length >= 1 && turn.resets.length <= 3, `${turn.resets.length} resets`);
});

item(
  "tutor §5",
  "a blank explanation becomes three dots",
  async (c) => {
    const turn = await streamed(c, "blank", [{ pieces: ['{"name":"explain","args":{"text":"  "}}'] }]);
    match(turn.envelope, withTurn(explanation("..."), turn.session));
  },
  { needsModel: true },
);

item("tutor §5", "deltas go to the requesting socket only", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const [one, two] = [await c.tutor(user, session, { stream: true }), await c.tutor(user, session, { stream: true })];
  one.send({ type: "user_message", data: { text: "Explain osmosis" } });
  assert.ok((await one.untilEnvelope()).length > 2);
  assert.deepEqual(await two.fence(), []);
});

item(
  "services §1",
  "a streamed request asks for usage and changes nothing else",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const needle = nonce();
    const tutor = await c.tutor(user, session, { stream: true });
    tutor.send({ type: "user_message", data: { text: needle } });
    await tutor.untilEnvelope();
    const [call] = await c.recorded(needle);
    assert.deepEqual(Object.keys(call?.body).sort(), [
      "messages",
      "model",
      "response_format",
      "stream",
      "stream_options",
      "temperature",
    ]);
    match([call?.body.stream, call?.body.stream_options], [true, { include_usage: true }]);
  },
  { needsModel: true },
);
