import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecentCommits } from "./recentCommits.ts";

const key = (text: string) => ({ index: 1, key: Buffer.from(text) });
const reads = [{ index: 1, from: Buffer.from("b"), to: Buffer.from("c") }];

test("reads are untouched until a later commit touches them", () => {
  const recent = createRecentCommits(10n);
  assert.equal(recent.isUntouchedSince(10n, reads), true);
  recent.add(11n, [key("a")]);
  recent.add(12n, [key("z"), key("bb")]);
  recent.add(13n, [key("c")]);
  assert.equal(recent.isUntouchedSince(10n, reads), false);
  assert.equal(recent.isUntouchedSince(11n, reads), false);
  assert.equal(recent.isUntouchedSince(12n, reads), true, "the commit itself is seen");
  assert.equal(recent.isUntouchedSince(11n, []), true);
});

test("what happened before it watched is not known, so never untouched", () => {
  assert.equal(createRecentCommits(10n).isUntouchedSince(9n, reads), false);
});

test("it forgets the oldest of 4,096 commits, and then does not vouch for them", () => {
  const recent = createRecentCommits(0n);
  for (let ts = 1n; ts <= 4_096n; ts++) recent.add(ts, [key("a")]);
  assert.equal(recent.isUntouchedSince(0n, reads), true);
  recent.add(4_097n, [key("a")]);
  assert.equal(recent.isUntouchedSince(0n, reads), false);
  assert.equal(recent.isUntouchedSince(1n, reads), true);
});

test("commits of many keys push out others sooner", () => {
  const recent = createRecentCommits(0n);
  const many = Array.from({ length: 30_000 }, (_, n) => key(`a${n}`));
  for (let ts = 1n; ts <= 3n; ts++) recent.add(ts, [...many]);
  assert.equal(recent.isUntouchedSince(0n, reads), false);
  assert.equal(recent.isUntouchedSince(1n, reads), true);
});
