import assert from "node:assert/strict";
import { eventually, nonce } from "../support/index.ts";
import { item, match, startOwn, text } from "./harness/index.ts";

item(
  "G13",
  "a call waits 60 s for the session (503 SESSION_BUSY), its repeat 30 s for it (409 IDEMPOTENCY_IN_PROGRESS)",
  async (c) => {
    const { at } = await startOwn(c, { env: { MODEL_TIMEOUT_MS: "180000" } });
    const user = at.user();
    const session = await at.session(user);
    const tutor = await at.tutor(user, session);
    const word = nonce();
    await c.script(word, [{ pieces: ["late"], waitMs: 75_000 }]);
    tutor.send({ type: "user_message", data: { text: word } });
    await eventually(async () =>
      assert.equal((await at.get(`/api/v1/sessions/${session}/messages`, user)).json().length, 1),
    );
    const start = performance.now();
    const post = async () => {
      const body = { section: "a", topic: "b", summary: "c" };
      const headers = { "Idempotency-Key": word };
      const reply = await at.api("POST", `/api/v1/sessions/${session}/log/summary`, {
        user,
        body,
        headers,
        timeoutMs: 90_000,
      });
      return { reply, afterMs: performance.now() - start };
    };
    const first = post();
    await at.pause(500); // the second one must find the first one running
    const [busy, repeat] = await Promise.all([first, post()]);
    const error = (code: string) => ({ error_code: code, error_message: text, technical_details: null });
    assert.equal(repeat.reply.status, 409);
    match(repeat.reply.json(), error("IDEMPOTENCY_IN_PROGRESS"));
    assert.ok(repeat.afterMs > 28_000 && repeat.afterMs < 36_000, `${repeat.afterMs} ms`);
    assert.equal(busy.reply.status, 503);
    match(busy.reply.json(), error("SESSION_BUSY"));
    assert.ok(busy.afterMs > 57_000 && busy.afterMs < 66_000, `${busy.afterMs} ms`);
    const { interactions } = (await at.get(`/api/v1/sessions/${session}/interactions`, user)).json();
    assert.equal(interactions.length, 1, "a failed call leaves no effect");
  },
  { on: "own", needsModel: true, timeoutMs: 110_000 },
);
