import assert from "node:assert/strict";
import { nonce } from "../support/index.ts";
import { errorEnvelope, explanation, item, match, startOwn } from "./harness/index.ts";

item(
  "tutor §2",
  "a turn lasts at most 120 s: TURN_TIMEOUT, then the session goes on",
  async (c) => {
    const { at } = await startOwn(c, { env: { MODEL_TIMEOUT_MS: "180000" } });
    const user = at.user();
    const session = await at.session(user);
    const tutor = await at.tutor(user, session);
    const start = performance.now();
    const word = nonce();
    await c.script(word, [{ pieces: ["late"], waitMs: 130_000 }]);
    match(await tutor.say(word, {}, 135_000), errorEnvelope("TURN_TIMEOUT"));
    const took = performance.now() - start;
    assert.ok(took > 115_000 && took < 130_000, `${took} ms`);
    match(await tutor.say("goes on"), explanation());
  },
  { on: "own", timeoutMs: 150_000 },
);
