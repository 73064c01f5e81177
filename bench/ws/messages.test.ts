import assert from "node:assert/strict";
import { test } from "node:test";
import { tutorCodec, whiteboardCodec } from "../../src/contract/index.ts";
import { createMessages, MESSAGE_BYTES } from "./messages.ts";

test("messages have the measured size and differ, so that a wrong echo is seen", () => {
  for (const isBinary of [false, true]) {
    const messages = createMessages(isBinary);
    assert.ok(messages.every((message) => message.length === MESSAGE_BYTES));
    assert.equal(new Set(messages.map((message) => message.toString("hex"))).size, messages.length);
  }
});

test("a text message opens a turn on the tutor path and its echo closes it", () => {
  let state = tutorCodec.start();
  for (const data of createMessages(false)) {
    const frame = { isBinary: false, data };
    const [asked, question] = tutorCodec.fromClient(state, frame);
    assert.deepEqual([question, tutorCodec.openTurns(asked)], ["turn", 1]);
    const [answered, reply] = tutorCodec.fromArm(asked, frame);
    assert.deepEqual([reply, tutorCodec.openTurns(answered)], ["final", 0]);
    state = answered;
  }
});

test("a binary message is ordinary state on the whiteboard path", () => {
  for (const data of createMessages(true)) {
    const [state, read] = whiteboardCodec.fromClient(whiteboardCodec.start(), { isBinary: true, data });
    assert.deepEqual([read, state.isPoisoned], ["state", false]);
  }
});
