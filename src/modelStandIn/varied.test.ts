import assert from "node:assert/strict";
import { test } from "node:test";
import { executorMessages, replyToMessages, system, user } from "./testSupport.ts";
import { varied } from "./varied.ts";

const executor = (message: string) => replyToMessages(executorMessages(message));

test("an explanation ends in other words, and is what it was otherwise", () => {
  const reply = executor("Please tell me about water.");
  const [one, other] = [varied(reply, () => 0), varied(reply, () => 0.99)];
  const read = ({ text }: { text: string }) => JSON.parse(text) as { name: string; args: Record<string, string> };
  assert.notEqual(read(one).args["text"], read(other).args["text"]);
  assert.ok(read(one).args["text"]?.startsWith(read(reply).args["text"] ?? "-"));
  const { text: _, ...rest } = read(one).args;
  const { text: __, ...before } = read(reply).args;
  assert.deepEqual([read(one).name, rest, one.kind], ["explain", before, reply.kind]);
});

test("other tools stay as they are; prose gets an ending", () => {
  const drawn = executor('!tool=draw_text {"text":"T","x":1,"y":2}');
  assert.deepEqual(varied(drawn), drawn);
  const broken = executor("Tell me. !trunc1");
  assert.throws(() => JSON.parse(broken.text) as unknown);
  assert.deepEqual(varied(broken), broken);
  const said = replyToMessages([system("#kind chat/1"), user("Hello")]);
  assert.ok(varied(said).text.startsWith(`${said.text} `));
});
