import assert from "node:assert/strict";
import { errorEnvelope, explanation, item, match } from "./harness/index.ts";

item(
  "tutor §8",
  "without an answer to the board request the turn ends after 20 s: BOARD_STATE_TIMEOUT",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const tutor = await c.tutor(user, session);
    assert.equal((await tutor.say("!board")).type, "REQUEST_BOARD_STATE");
    const start = performance.now();
    match(await tutor.nextJson(30_000), errorEnvelope("BOARD_STATE_TIMEOUT"));
    assert.ok(performance.now() - start > 18_000, "the wait lasts 20 s");
    match(await tutor.say("goes on"), explanation());
  },
  { timeoutMs: 60_000 },
);
