import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reply } from "../observation.ts";
import { type BodyPath, compareDeclared } from "./declared.ts";
import { replyOf } from "./testing/replies.ts";

/** Declares a number under `a`. */
function checkThatCounts() {
  const asked: unknown[] = [];
  const check = (status: number, body: unknown): readonly BodyPath[] => {
    asked.push([status, body]);
    return typeof (body as { a?: unknown }).a === "number" ? [] : [["a"]];
  };
  const told = (control: Reply, candidate: Reply): readonly string[] =>
    compareDeclared(control, candidate, check).map((one) => `${one.path} ${one.control} ${one.candidate}`);
  return { asked, told };
}

test("the same answer is checked once, another status, type or body by itself", () => {
  const { asked, told } = checkThatCounts();
  const right = replyOf({ body: '{"a":1}' });
  const wrong = replyOf({ body: '{"a":"None"}' });
  for (let time = 0; time < 3; time++) {
    assert.deepEqual(told(right, right), []);
    assert.deepEqual(told(right, wrong), ["$.a declared text"]);
    assert.deepEqual(told(wrong, wrong), ["$.a text text"]);
  }
  assert.equal(asked.length, 2);
  assert.deepEqual(told({ ...right, status: 201 }, { ...right, status: 201 }), []);
  assert.deepEqual(told(replyOf({ body: '{"a":1} ', type: "text/plain" }), right), ["$.a nothing declared"]);
  assert.equal(asked.length, 4);
});

test("a check sees numbers as programs do", () => {
  const { asked, told } = checkThatCounts();
  const reply = replyOf({ body: '{"a":1.50,"b":[{"c":9007199254740993}],"d":"1.50"}' });
  assert.deepEqual(told(reply, reply), []);
  assert.deepEqual(asked, [[200, { a: 1.5, b: [{ c: 9_007_199_254_740_992 }], d: "1.50" }]]);
});

test("a check that throws is asked again", () => {
  const reply = replyOf({ body: '{"a":1}' });
  let asked = 0;
  const check = (): readonly BodyPath[] => {
    asked += 1;
    throw new RangeError("no");
  };
  for (let time = 0; time < 2; time++) assert.throws(() => compareDeclared(reply, reply, check), RangeError);
  assert.equal(asked, 2);
});
