import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readChatRequest } from "./request.ts";
import { BAD_JSON_TEXT } from "./reply.ts";
import {
  chatBody,
  executorMessages,
  kindMessages,
  replyToMessages,
  RETRY_NOTE,
  system,
  type ToolCall,
  toolCall,
} from "./testSupport.ts";

const sentences = (text: unknown): number => String(text).match(/[.?!](?=\s|$)/g)?.length ?? 0;

test("an ordinary message is explained in three sentences that quote it", () => {
  const { name, args } = toolCall("Tell me about osmosis");
  assert.equal(name, "explain");
  assert.ok(String(args["text"]).includes("Tell me about osmosis"));
  assert.equal(sentences(args["text"]), 3);
});

test("quotes end after sixty code points and never inside a pair", () => {
  const text = String(toolCall("😀".repeat(100)).args["text"]);
  assert.ok(text.includes(`"${"😀".repeat(60)}"`));
  assert.ok(text.isWellFormed());
});

test("the name comes before the arguments, so that deltas can flow", () => {
  assert.ok(replyToMessages(executorMessages("Hi")).text.startsWith('{"name":"explain","args":{"text":"'));
});

test("draw and sketch draw one rect and one text", () => {
  for (const message of ["please draw a cell", "Sketch it"]) {
    const { name, args } = toolCall(message);
    assert.equal(name, "draw");
    assert.deepEqual(
      (args["objects"] as { kind: string }[]).map(({ kind }) => kind),
      ["rect", "text"],
    );
  }
});

test("quiz and ask me ask a valid question whose right answer is the key mod 4", () => {
  for (const message of ["quiz", "ask me something about enzymes", "another quiz please"]) {
    const { name, args } = toolCall(message);
    const question = args["question_data"] as Record<string, unknown>;
    const key = readChatRequest(JSON.stringify(chatBody(executorMessages(message)))).key;
    assert.equal(name, "ask_question");
    assert.equal((question["options"] as string[]).length, 4);
    assert.equal(question["correct_answer_index"], Number(BigInt(`0x${key}`) % 4n));
    assert.deepEqual(Object.keys(question).sort(), [
      "correct_answer_index",
      "difficulty",
      "explanation",
      "options",
      "question",
      "related_section",
    ]);
  }
});

test("goodbye ends the session, !board asks for the board", () => {
  assert.equal(toolCall("goodbye").name, "end_session");
  assert.deepEqual(toolCall("!board"), { name: "get_board_state", args: {} });
});

test("clicks, answers and the summary action are named", () => {
  for (const trigger of ["[click] mcq-1-text", "[answer] 2", "[action] summary"]) {
    const { name, args } = toolCall(trigger);
    assert.equal(name, "explain");
    assert.ok(String(args["text"]).includes(trigger));
  }
});

test("!tool reaches any tool with the JSON as written", () => {
  const reply = (message: string): string => replyToMessages(executorMessages(message)).text;
  assert.equal(
    reply('!tool=draw_text {"text":"a } b","fontSize":1.0}'),
    '{"name":"draw_text","args":{"text":"a } b","fontSize":1.0}}',
  );
  assert.equal(reply("see !tool=no_such [1] and more"), '{"name":"no_such","args":[1]}');
  assert.equal(reply("!tool=clear_board"), '{"name":"clear_board","args":{}}');
  assert.equal(reply("!tool=explain not json"), '{"name":"explain","args":{}}');
});

test("any JSON after !tool arrives unchanged, whatever follows it", () => {
  fc.assert(
    fc.property(fc.object(), (args) => {
      const wanted = JSON.parse(JSON.stringify(args)) as unknown;
      assert.deepEqual(toolCall(`!tool=draw ${JSON.stringify(args)} please`), { name: "draw", args: wanted });
    }),
  );
});

test("a tool result after the message is quoted instead of calling the tool again", () => {
  const { name, args } = toolCall("!board", system('Tool result get_board_state: [{"id":"a"}]'));
  assert.equal(name, "explain");
  assert.ok(String(args["text"]).includes('get_board_state: [{"id":"a"}]'));
});

test("a tool result before the last message is history", () => {
  const messages = [
    system("#kind tutor.executor/1"),
    system("Tool result x: 1"),
    ...executorMessages("!board").slice(1),
  ];
  assert.equal((JSON.parse(replyToMessages(messages).text) as ToolCall).name, "get_board_state");
});

test("rows are checked top down", () => {
  assert.equal(replyToMessages(executorMessages("!cut !500 !429 draw")).status, 500);
  assert.equal(replyToMessages(executorMessages("!badjson draw")).text, BAD_JSON_TEXT);
  assert.equal(toolCall("!tool=clear_board {} !board draw quiz").name, "clear_board");
  assert.equal(toolCall("draw a quiz").name, "draw");
  assert.equal(toolCall("quiz me, goodbye").name, "ask_question");
});

test("429 and 500 come back at every attempt", () => {
  for (const status of [429, 500] as const) {
    assert.equal(replyToMessages(executorMessages(`!${status}`)).status, status);
    assert.equal(replyToMessages(executorMessages(`!${status}`, RETRY_NOTE)).status, status);
  }
});

test("!slow waits its time, at most two minutes, and goes on with the other rules", () => {
  const slow = (message: string) => replyToMessages(executorMessages(message)).slowMs;
  assert.deepEqual(
    [slow("!slow"), slow("!slow=250 draw"), slow("!slow=999999"), slow("slow")],
    [5_000, 250, 120_000, 0],
  );
  assert.equal(toolCall("!slow=1 draw").name, "draw");
});

test("!cut breaks the connection of an otherwise complete reply", () => {
  const reply = replyToMessages(executorMessages("!cut draw"));
  assert.ok(reply.isCut);
  assert.equal((JSON.parse(reply.text) as ToolCall).name, "draw");
});

test("!badjson is never JSON, !badjson1 only without a retry note", () => {
  const isJson = (message: string, ...after: Parameters<typeof executorMessages>[1][]) => {
    const { text } = replyToMessages(executorMessages(message, ...after));
    return text.startsWith("{");
  };
  assert.deepEqual([isJson("!badjson"), isJson("!badjson", RETRY_NOTE)], [false, false]);
  assert.deepEqual([isJson("!badjson1"), isJson("!badjson1", RETRY_NOTE)], [false, true]);
});

test("!trunc1 stops inside args.text, and is complete with a retry note", () => {
  const broken = replyToMessages(executorMessages("!trunc1 osmosis")).text;
  assert.match(broken, /^\{"name":"explain","args":\{"text":".{24,}/);
  assert.throws(() => JSON.parse(broken) as unknown);
  const whole = toolCall("!trunc1 osmosis", RETRY_NOTE);
  assert.equal(whole.name, "explain");
  assert.ok(JSON.stringify(whole).startsWith(broken));
});

test("only the last user message speaks", () => {
  const messages = executorMessages("draw").map((message) =>
    message.content === "earlier question" ? { ...message, content: "!500" } : message,
  );
  assert.equal(replyToMessages(messages).status, 200);
});

test("every message gets a well-formed reply with a name and arguments", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (message) => {
      fc.pre(!message.includes("!"));
      const { name, args } = toolCall(message);
      assert.equal(typeof name, "string");
      assert.ok(typeof args === "object" && args !== null);
    }),
  );
});

test("chat and conversation know the ! rows only", () => {
  for (const kind of ["chat/1", "conversation/1"]) {
    const reply = replyToMessages(kindMessages(kind, "Please draw a quiz"));
    assert.ok(reply.text.includes('"Please draw a quiz"'));
    assert.equal(sentences(reply.text), 2);
    assert.equal(replyToMessages(kindMessages(kind, "!429")).status, 429);
    assert.equal(replyToMessages(kindMessages(kind, "!board")).text, '{"name":"get_board_state","args":{}}');
  }
});
