import assert from "node:assert/strict";
import { nonce, type Json, type RecordedCall, type ScriptedReply } from "../support/index.ts";
import { errorEnvelope, explanation, item, match, type Context } from "./harness/index.ts";

const GOOD: ScriptedReply = { pieces: ['{"name":"explain","args":{"text":"fine"}}'] };
const say = (value: Json): ScriptedReply => ({ pieces: [typeof value === "string" ? value : JSON.stringify(value)] });
const note = (reason: string): Json => ({
  role: "system",
  content: `The last reply was not usable (${reason}). Send one JSON object in the requested form.`,
});

interface Outcome {
  readonly reply: Json;
  readonly calls: RecordedCall[];
}

/** One turn of a fresh session against a scripted model. */
async function turn(c: Context, script: ScriptedReply[], text = ""): Promise<Outcome> {
  const user = c.user();
  const tutor = await c.tutor(user, await c.session(user));
  const word = nonce();
  if (script.length > 0) await c.script(word, script);
  const reply = await tutor.say(`${text}${word}`, {}, 20_000);
  return { reply, calls: await c.recorded(word) };
}

/** The attempts of one step: same messages, rising temperature, one retry note with the reason of the last failure. */
function assertAttempts(calls: RecordedCall[], reasons: string[]): void {
  assert.equal(calls.length, reasons.length + 1, "attempts");
  const [first] = calls;
  assert.deepEqual(
    calls.map((call) => call.body.temperature),
    [0.7, 0.8, 0.9].slice(0, calls.length),
  );
  for (const [index, call] of calls.slice(1).entries()) {
    match(call.body.messages, [...(first?.body.messages ?? []), note(reasons[index] ?? "")], `attempt ${index + 2}`);
  }
}

/** Replies that cannot be used, with the reason of the note and the code after three attempts (services §1, tutor §8). */
const UNUSABLE: [string, Json, string, string][] = [
  ["no JSON", "I would rather chat.", "not_json", "LLM_FORMAT_ERROR"],
  ["broken JSON", '{"name":"explain","args":{"text":"x"}', "not_json", "LLM_FORMAT_ERROR"],
  ["a number that is no JSON", '{"name":"explain","args":{"text":"x","n":NaN}}', "not_json", "LLM_FORMAT_ERROR"],
  ["an object without args", { name: "explain" }, "bad_shape", "LLM_FORMAT_ERROR"],
  ["an object without name", { args: {} }, "bad_shape", "LLM_FORMAT_ERROR"],
  ["a name that is no text", { name: 5, args: {} }, "bad_shape", "LLM_FORMAT_ERROR"],
  ["args that are a list", { name: "explain", args: [] }, "bad_shape", "LLM_FORMAT_ERROR"],
  ["an unknown name", { name: "fly", args: {} }, "unknown_name", "UNKNOWN_TOOL"],
  ["a name of the language", { name: "__proto__", args: {} }, "unknown_name", "UNKNOWN_TOOL"],
  ["bad arguments", { name: "draw_text", args: { text: 5 } }, "bad_args", "TOOL_INPUT_VALIDATION_ERROR"],
];

item(
  "services §1",
  "an unusable reply is tried three times, with the note and the next temperature, then has its code",
  async (c) => {
    for (const [what, reply, reason, code] of UNUSABLE) {
      const outcome = await turn(c, [say(reply), say(reply), say(reply), GOOD]);
      match(outcome.reply, errorEnvelope(code), `${what}: $`);
      assertAttempts(outcome.calls, [reason, reason]);
    }
  },
  { needsModel: true },
);

item(
  "services §1",
  "a later attempt may succeed; the note names the reason of the attempt before it",
  async (c) => {
    const once = await turn(c, [say("no"), GOOD]);
    match(once.reply, explanation("fine"));
    assertAttempts(once.calls, ["not_json"]);
    const twice = await turn(c, [say({ name: "fly", args: {} }), say([]), GOOD]);
    match(twice.reply, explanation("fine"));
    assert.equal(twice.calls.length, 3);
    match(twice.calls[1]?.body.messages.at(-1), note("unknown_name"));
    const last = twice.calls[2]?.body.messages;
    assert.ok(
      ["not_json", "bad_shape"].some((reason) => last.at(-1).content === note(reason).content),
      last.at(-1).content,
    );
    assert.equal(last.length, (twice.calls[0]?.body.messages.length ?? 0) + 1, "one note only");
  },
  { needsModel: true },
);

item(
  "services §1",
  "the code after mixed failures is that of the last one",
  async (c) => {
    const outcome = await turn(c, [say("no"), say({ name: "fly", args: {} }), say({ name: "draw_text", args: {} })]);
    match(outcome.reply, errorEnvelope("TOOL_INPUT_VALIDATION_ERROR"));
  },
  { needsModel: true },
);

item(
  "services §1",
  "a server error, a reset and a cut reply are tried three times: LLM_UNAVAILABLE",
  async (c) => {
    const rows: ScriptedReply[] = [{ status: 500 }, { status: 503 }, { reset: true }, { pieces: ["x"], cut: true }];
    for (const failure of rows) {
      const outcome = await turn(c, [failure, failure, failure, GOOD]);
      match(outcome.reply, errorEnvelope("LLM_UNAVAILABLE"), JSON.stringify(failure));
      assert.equal(outcome.calls.length, 3, JSON.stringify(failure));
      const bodies = outcome.calls.map((call) => JSON.stringify(call.body));
      assert.equal(new Set(bodies).size, 1, "a transport retry is the same request");
      const healed = await turn(c, [failure, failure, GOOD]);
      match(healed.reply, explanation("fine"), JSON.stringify(failure));
    }
  },
  { needsModel: true },
);

item(
  "services §1",
  "429 is tried three times after Retry-After: LLM_RATE_LIMITED",
  async (c) => {
    const outcome = await turn(c, [
      { status: 429, headers: { "Retry-After": "1" } },
      { status: 429 },
      { status: 429 },
      GOOD,
    ]);
    match(outcome.reply, errorEnvelope("LLM_RATE_LIMITED"));
    assert.equal(outcome.calls.length, 3);
    const [first, second, third] = outcome.calls.map((call) => call.at);
    assert.ok((second ?? 0) - (first ?? 0) >= 950, "the pause is the one the model asked for");
    assert.ok((third ?? 0) - (second ?? 0) < 950, "without Retry-After the own pause is taken");
    const healed = await turn(c, [{ status: 429, headers: { "Retry-After": "0" } }, GOOD]);
    match(healed.reply, explanation("fine"));
  },
  { needsModel: true },
);

item(
  "services §1",
  "another 4xx, 424 included, is not tried again: LLM_UNAVAILABLE",
  async (c) => {
    for (const status of [400, 401, 404, 422, 424]) {
      const outcome = await turn(c, [{ status }, GOOD]);
      match(outcome.reply, errorEnvelope("LLM_UNAVAILABLE"), String(status));
      assert.equal(outcome.calls.length, 1, String(status));
    }
  },
  { needsModel: true },
);

item(
  "services §1",
  "no complete reply within MODEL_TIMEOUT_MS is LLM_TIMEOUT after one attempt",
  async (c) => {
    const outcome = await turn(c, [{ ...GOOD, waitMs: 15_000 }, GOOD]);
    match(outcome.reply, errorEnvelope("LLM_TIMEOUT"));
    assert.equal(outcome.calls.length, 1);
  },
  { needsModel: true },
);

item(
  "services §13",
  "the words of the stand-in model give the codes of the table",
  async (c) => {
    const rows: [string, string][] = [
      ["!429 ", "LLM_RATE_LIMITED"],
      ["!500 ", "LLM_UNAVAILABLE"],
      ["!cut ", "LLM_UNAVAILABLE"],
      ["!badjson ", "LLM_FORMAT_ERROR"],
    ];
    for (const [text, code] of rows) match((await turn(c, [], text)).reply, errorEnvelope(code), text);
    match((await turn(c, [], "!badjson1 ")).reply, explanation());
    match((await turn(c, [], "!trunc1 ")).reply, explanation());
  },
  { needsModel: true },
);

item(
  "tutor §8",
  "attempts count per model step, not per turn",
  async (c) => {
    const silent = say({ name: "get_board_summary", args: {} });
    const outcome = await turn(c, [say("no"), silent, say("no"), say("no"), GOOD]);
    match(outcome.reply, explanation("fine"));
    assert.deepEqual(
      outcome.calls.map((call) => call.body.temperature),
      [0.7, 0.8, 0.7, 0.8, 0.9],
    );
  },
  { needsModel: true },
);
