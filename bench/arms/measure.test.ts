import assert from "node:assert/strict";
import { test } from "node:test";
import { VoidMeasurement } from "../lib/void.ts";
import type { Backend } from "./backends.ts";
import { measure } from "./measure.ts";
import type { Step } from "./work.ts";

const backend: Backend = {
  name: "candidate",
  isOurs: true,
  url: "http://127.0.0.1:9",
  tutorPath: "/",
  pids: [process.pid],
  emptyLog: () => {},
};

const workOf = (step: Step) => {
  const seen = { closed: 0 };
  const begin = () => Promise.resolve({ steps: [step], close: () => Promise.resolve(void seen.closed++) });
  return { seen, one: { name: "folder-list" as const, what: "requests", begin } };
};

test("what a user does is counted over the time it took", async () => {
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 10));
  const { one, seen } = workOf(pause);
  const { perSecond } = await measure(backend, one, 0.2);
  assert.ok(perSecond > 1 && perSecond <= 105, `${perSecond}`);
  assert.equal(seen.closed, 1);
});

test("a wrong answer makes the measurement void and still closes what it opened", async () => {
  const { one, seen } = workOf(() => Promise.reject(new VoidMeasurement("a wrong echo")));
  await assert.rejects(measure(backend, one, 0.2), VoidMeasurement);
  assert.equal(seen.closed, 1);
});
