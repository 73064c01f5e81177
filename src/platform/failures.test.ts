import assert from "node:assert/strict";
import { test } from "node:test";
import { createFailures } from "./failures.ts";

function make() {
  const said: string[] = [];
  let now = 0;
  const failures = createFailures(
    (line) => said.push(line),
    () => now,
  );
  return { failures, said, pass: (ms: number) => (now += ms) };
}

test("single failures are counted and not said", () => {
  const { failures, said, pass } = make();
  for (let round = 0; round < 50; round += 1) {
    failures.bad("GET /x", "502");
    failures.good();
    pass(10_000);
  }
  assert.deepEqual(said, []);
  assert.deepEqual(failures.totals(), { good: 50, bad: 50 });
});

test("the same failure five times in half a minute is said once, then once a minute with its count", () => {
  const { failures, said, pass } = make();
  for (let round = 0; round < 120; round += 1) {
    failures.bad("GET /x", `502 no. ${round}`);
    pass(1_000);
  }
  assert.deepEqual(said, [
    "students: GET /x keeps failing (5 times since the last word on it); last: 502 no. 4",
    "students: GET /x keeps failing (60 times since the last word on it); last: 502 no. 64",
  ]);
});

test("different things are not added together", () => {
  const { failures, said } = make();
  for (const what of ["a", "b", "c", "d", "e", "f"]) failures.bad(what, "502");
  assert.deepEqual(said, []);
});
