import assert from "node:assert/strict";
import { test } from "node:test";
import { createKeyedRuns, fingerprint, givenKey } from "./keyed.ts";

const scope = { method: "POST", path: "/p", key: "k", fingerprint: "f" };

test("requests of one key run one after the other, those of another key do not wait", async () => {
  const runs = createKeyedRuns();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = runs.run("ann", scope, async () => {
    await gate.promise;
    order.push("first");
  });
  const second = runs.run("ann", scope, async () => void order.push("second"));
  await runs.run("bob", scope, async () => void order.push("other"));
  gate.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(order, ["other", "first", "second"]);
});

test("a request that waits too long is told that the first still runs", async () => {
  const runs = createKeyedRuns(5);
  const gate = Promise.withResolvers<void>();
  const first = runs.run("ann", scope, () => gate.promise);
  await assert.rejects(
    runs.run("ann", scope, async () => undefined),
    { code: "IDEMPOTENCY_IN_PROGRESS", status: 409 },
  );
  gate.resolve();
  await first;
});

test("after a failed first the next one runs itself", async () => {
  const runs = createKeyedRuns();
  const first = runs.run("ann", scope, () => Promise.reject(new Error("lost")));
  const second = runs.run("ann", scope, async () => "done");
  await assert.rejects(first, /lost/);
  assert.equal(await second, "done");
});

test("a fingerprint does not see key order, blanks or the form of a number", () => {
  assert.equal(fingerprint({ a: 1, b: [1.0] }), fingerprint(JSON.parse('{ "b": [1e0], "a": 1.0 }')));
  assert.notEqual(fingerprint({ a: 1 }), fingerprint({ a: "1" }));
});

test("a key is 1 to 128 visible ASCII characters, and counts on keyed routes only", () => {
  assert.deepEqual(givenKey("k-1", true), { kind: "key", key: "k-1" });
  for (const bad of ["", "a b", "é", "x".repeat(129)]) assert.deepEqual(givenKey(bad, true), { kind: "illegal" });
  assert.deepEqual(givenKey("a b", false), { kind: "none" });
});
