import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BoundedQueue,
  createManualClock,
  createSubjectHash,
  ERROR_CODES,
  isVisibleAscii,
  SwitchyardError,
  toProblem,
} from "./index.ts";

test("a bounded queue gives back in order what it took, and hands the rest to onDrop", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.oneof(fc.record({ put: fc.integer() }), fc.constant("take" as const)), { maxLength: 400 }),
      (capacity, steps) => {
        const dropped: number[] = [];
        const queue = new BoundedQueue<number>({ capacity, onDrop: (item) => dropped.push(item) });
        const model: number[] = [];
        let refused = 0;
        for (const step of steps) {
          if (step === "take") assert.equal(queue.take(), model.shift());
          else if (model.length < capacity) {
            assert.equal(queue.offer(step.put), true);
            model.push(step.put);
          } else {
            assert.equal(queue.offer(step.put), false);
            refused++;
          }
          assert.equal(queue.size, model.length);
        }
        assert.equal(dropped.length, refused);
      },
    ),
  );
});

test("a queue without room for one item is refused", () => {
  assert.throws(() => new BoundedQueue({ capacity: 0, onDrop: () => {} }), /at least 1, got 0/);
});

test("a manual clock runs timers in order of their time, then of their making, also those made meanwhile", () => {
  const clock = createManualClock();
  const ran: string[] = [];
  clock.after(20, () => ran.push("b"));
  clock.after(10, () => {
    ran.push("a");
    clock.after(5, () => ran.push("a+5"));
  });
  clock.after(20, () => ran.push("c"));
  const cancel = clock.after(15, () => ran.push("never"));
  cancel();
  clock.advance(19);
  assert.deepEqual(ran, ["a", "a+5"]);
  clock.advance(1);
  assert.deepEqual(ran, ["a", "a+5", "b", "c"]);
  assert.equal(clock.pending, 0);
  assert.equal(clock.monotonic(), 20);
});

test("every code has the status and the problem type that the documents name", () => {
  for (const [code, { status, title }] of Object.entries(ERROR_CODES)) {
    assert.ok(status >= 400 && status < 600, code);
    assert.ok(title.length > 0);
  }
  assert.deepEqual(toProblem("SY_UPSTREAM_TIMEOUT", "the backend did not answer in time", "r-1"), {
    type: "urn:switchyard:upstream-timeout",
    title: "The backend did not answer in time",
    status: 504,
    detail: "the backend did not answer in time",
    instance: "r-1",
    code: "SY_UPSTREAM_TIMEOUT",
  });
});

test("an error keeps its cause and knows its status", () => {
  const cause = new Error("inner");
  const error = new SwitchyardError("SY_BODY_TOO_LARGE", "too large", { cause });
  assert.equal(error.cause, cause);
  assert.equal(error.status, 413);
});

test("request ids are visible ASCII of 1 to 128 characters", () => {
  for (const good of ["a", "~!", "x".repeat(128)]) assert.ok(isVisibleAscii(good));
  for (const bad of ["", "a b", "é", "x".repeat(129), "a\n"]) assert.ok(!isVisibleAscii(bad));
});

test("a subject's hash is the same in one installation and different in another", () => {
  const [one, same, other] = [new Uint8Array([1]), new Uint8Array([1]), new Uint8Array([2])];
  assert.equal(createSubjectHash(one)("u1"), createSubjectHash(same)("u1"));
  assert.notEqual(createSubjectHash(one)("u1"), createSubjectHash(other)("u1"));
  assert.match(createSubjectHash(one)("u1"), /^[0-9a-f]{16}$/);
});
