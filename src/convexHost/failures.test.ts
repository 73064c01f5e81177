import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";
import { failureOf, NestedFailure, RefusedCall, tellError } from "./failures.ts";

const noFrames = () => [];

test("an error is told by name and message, with its frames in the sources", () => {
  const told = tellError(new TypeError("bad thing"), () => ["    at f (convex/a.ts:1:2)"]);
  assert.deepEqual(told, { text: "Uncaught TypeError: bad thing\n    at f (convex/a.ts:1:2)" });
  assert.deepEqual(failureOf(told, "0123456789abcdef"), {
    message: "[Request ID: 0123456789abcdef] Server Error\nUncaught TypeError: bad thing\n    at f (convex/a.ts:1:2)",
  });
});

test("an error of another realm is an error", () => {
  assert.equal(tellError(vm.runInNewContext("new RangeError('far')"), noFrames).text, "Uncaught RangeError: far");
});

test("a ConvexError brings its data, as the package leaves it: JSON text", () => {
  const error = Object.assign(new Error('{"code":"X"}'), { data: '{"code":"X","n":{"$integer":"AQAAAAAAAAA="}}' });
  Object.assign(error, { [Symbol.for("ConvexError")]: true });
  const told = tellError(error, noFrames);
  assert.deepEqual(told.data, { code: "X", n: { $integer: "AQAAAAAAAAA=" } });
  assert.match(told.text, /^Uncaught ConvexError: /);
  assert.deepEqual(new NestedFailure(told).data, told.data);
  assert.equal(new NestedFailure({ text: "x" }).data, undefined);
});

test("what the host refuses is told as it is", () => {
  assert.deepEqual(tellError(new RefusedCall("ArgumentValidationError: no"), noFrames), {
    text: "ArgumentValidationError: no",
  });
});

test("whatever a function throws can be told, and a long message is cut", () => {
  const hostile = new Proxy(
    {},
    {
      has: () => true,
      get: () => {
        throw new Error("got you");
      },
    },
  );
  for (const thrown of [undefined, null, "text", 3, Symbol("s"), { a: 1 }, () => 1, hostile]) {
    assert.match(tellError(thrown, noFrames).text, /^Uncaught /);
  }
  assert.equal(tellError("text", noFrames).text, "Uncaught 'text'");
  assert.ok(tellError(new Error("x".repeat(100_000)), noFrames).text.length < 40_000);
});
