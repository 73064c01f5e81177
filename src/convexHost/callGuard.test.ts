import assert from "node:assert/strict";
import { test } from "node:test";
import { callName, createCallGuard } from "./callGuard.ts";
import { TransportError } from "./words.ts";

const address = { component: "", path: "rows:spin" };
const isRefused = (error: unknown): boolean =>
  error instanceof TransportError &&
  error.status === 429 &&
  error.code === "DidNotYield" &&
  /rows:spin/.test(error.message);

test("the call that ended the last process is refused for a minute, with these arguments only", () => {
  let nowMs = 1_000_000;
  const name = callName(address, { n: 1 });
  const guard = createCallGuard(name, () => nowMs, null);
  assert.throws(() => guard.check(name), isRefused);
  guard.check(callName(address, { n: 2 }));
  guard.check(callName({ component: "", path: "rows:other" }, { n: 1 }));
  guard.check(callName({ component: "child", path: "rows:spin" }, { n: 1 }));
  nowMs += 59_999;
  assert.throws(() => guard.check(name), isRefused);
  nowMs += 1;
  guard.check(name);
});

test("nothing is refused when no call is known, and long arguments are cut", () => {
  const name = callName(address, { text: "x".repeat(10_000) });
  assert.equal(name.length, 300);
  createCallGuard(null, Date.now, null).check(name);
  assert.throws(
    () => createCallGuard(name, Date.now, null).check(callName(address, { text: "x".repeat(500) })),
    isRefused,
  );
});
