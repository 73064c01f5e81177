import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { createManualClock } from "../kernel/index.ts";
import { createDeadlines, type Timed } from "./deadlines.ts";

const CHECK_MS = 250;

function timed(deadlineMs: number, onDeadline: () => void): Timed {
  return { deadlineMs, slot: -1, onDeadline };
}

test("only what is late is told, and once per check", () => {
  const clock = createManualClock();
  const deadlines = createDeadlines(clock);
  const told: string[] = [];
  const early = timed(clock.monotonic() + 100, () => told.push("early"));
  const late = timed(clock.monotonic() + 10_000, () => told.push("late"));
  deadlines.add(early);
  deadlines.add(late);
  deadlines.add(early); // twice is once
  clock.advance(CHECK_MS);
  assert.deepEqual(told, ["early"]);
  deadlines.remove(early);
  deadlines.remove(early);
  clock.advance(10_000);
  deadlines.stop();
  assert.ok(!told.slice(1).includes("early") && told.includes("late"));
});

test("whoever leaves, the others stay, also while the late ones are told", () => {
  const clock = createManualClock();
  const deadlines = createDeadlines(clock);
  const told = new Set<number>();
  const items: Timed[] = [];
  for (let i = 0; i < 8; i++) {
    const item = timed(0, () => {
      told.add(i);
      deadlines.remove(item);
      if (i === 0) deadlines.remove(items[7] as Timed); // one that was not told yet
    });
    items.push(item);
    deadlines.add(item);
  }
  deadlines.remove(items[3] as Timed);
  clock.advance(CHECK_MS);
  deadlines.stop();
  assert.deepEqual([...told], [0, 1, 2, 4, 5, 6]);
  assert.ok(items.every((item) => item.slot === -1));
});

/** Calls come and go, 64 at a time; gives by how much the old generation grew, in MiB, before a full collection. */
const CHURN = `
import { getHeapSpaceStatistics } from "node:v8";
import { createDeadlines } from ${JSON.stringify(new URL("./deadlines.ts", import.meta.url).href)};
const deadlines = createDeadlines({ monotonic: () => 0, now: () => 0, after: () => () => {} });
const running = [];
const turn = (i) => {
  const item = { deadlineMs: 1, slot: -1, onDeadline() {}, weight: new Array(256).fill(i) };
  deadlines.add(item);
  if (running.length >= 64) deadlines.remove(running[i % 64]);
  running[i % 64] = item;
};
const used = () => getHeapSpaceStatistics().find((space) => space.space_name === "old_space").space_used_size;
for (let i = 0; i < 5_000; i++) turn(i);
globalThis.gc();
for (let i = 0; i < 5_000; i++) turn(i);
const before = used();
for (let i = 0; i < 4_000; i++) turn(i);
console.log((used() - before) / 1024 ** 2);
`;

test("a call that has ended leaves nothing behind for the old generation", () => {
  const args = ["--expose-gc", "--max-semi-space-size=1", "--no-allocation-site-pretenuring", "--input-type=module"];
  const grownMiB = Number(execFileSync(process.execPath, [...args, "--eval", CHURN], { encoding: "utf8" }));
  assert.ok(grownMiB < 1, `${grownMiB} MiB`);
});
