import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createManualClock } from "../kernel/index.ts";
import { createTotalsSampler } from "./totalsSampler.ts";

test("a sample is taken each second until it stops", async () => {
  const clock = createManualClock();
  const sampler = createTotalsSampler(
    async () => [],
    clock,
    (error) => assert.fail(String(error)),
  );
  sampler.start();
  for (let second = 0; second < 3; second += 1) {
    await turn();
    clock.advance(1_000);
  }
  await turn();
  assert.deepEqual(
    sampler.samples.map((sample) => sample.atMs),
    [0, 1_000, 2_000, 3_000],
  );
  sampler.stop();
  clock.advance(10_000);
  await turn();
  assert.equal(sampler.samples.length, 4);
  assert.equal(clock.pending, 0);
});

test("a failing port is told once, asked again each second, and told anew after it recovered", async () => {
  const clock = createManualClock();
  const failures: unknown[] = [];
  let isBroken = true;
  const totals = () => (isBroken ? Promise.reject(new Error("gone")) : Promise.resolve([]));
  const sampler = createTotalsSampler(totals, clock, (error) => failures.push(error));
  const second = async (): Promise<void> => {
    await turn();
    clock.advance(1_000);
    await turn();
  };
  sampler.start();
  await second();
  await second();
  assert.deepEqual([failures.length, sampler.samples.length], [1, 0]);
  isBroken = false;
  await second();
  assert.equal(sampler.samples.length, 1);
  isBroken = true;
  await second();
  assert.equal(failures.length, 2);
  sampler.stop();
});

test("a port that never answers is given up after its deadline", async () => {
  const clock = createManualClock();
  const failures: unknown[] = [];
  const sampler = createTotalsSampler(
    () => new Promise(() => undefined),
    clock,
    (error) => failures.push(error),
  );
  sampler.start();
  clock.advance(2_000);
  await turn();
  assert.match(String(failures[0]), /no answer within 2000 ms/);
  sampler.stop();
});
