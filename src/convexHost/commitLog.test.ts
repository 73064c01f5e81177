import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CommitLog } from "./commitLog.ts";
import type { KeyInterval, TouchedKey } from "./words.ts";

const key = (number: number) => Uint8Array.of(number);
const touch = (...numbers: readonly number[]): readonly TouchedKey[] =>
  numbers.map((number) => ({ index: 1, key: key(number) }));
const reads = (from: number, to: number): readonly KeyInterval[] => [{ index: 1, from: key(from), to: key(to) }];

test("a read under way is stale from the first commit after its moment that touched it", () => {
  const log = new CommitLog();
  const end = log.begin();
  log.add({ after: 10n, through: 11n, touched: touch(1) });
  log.add({ after: 11n, through: 12n, touched: touch(5) });
  log.add({ after: 12n, through: 13n, touched: touch(5) });
  assert.equal(log.staleAt(reads(5, 6), 10n), 12n);
  assert.equal(log.staleAt(reads(5, 6), 11n), 12n);
  assert.equal(log.staleAt(reads(5, 6), 12n), 13n);
  assert.equal(log.staleAt(reads(5, 6), 13n), null);
  assert.equal(log.staleAt(reads(2, 5), 10n), null);
  end();
});

test("a group is one commit: what it touched may have changed with its first transaction", () => {
  const log = new CommitLog();
  const end = log.begin();
  log.add({ after: 10n, through: 20n, touched: touch(5) });
  assert.equal(log.staleAt(reads(5, 6), 9n), 11n);
  assert.equal(log.staleAt(reads(5, 6), 15n), 16n);
  end();
});

test("nothing is kept when no read is under way, and no commit longer than the oldest read needs it", () => {
  const log = new CommitLog(1_000);
  log.add({ after: 0n, through: 1n, touched: touch(5) });
  const endFirst = log.begin();
  assert.equal(log.staleAt(reads(5, 6), 0n), null);
  log.add({ after: 1n, through: 2n, touched: touch(5) });
  const endSecond = log.begin();
  log.add({ after: 2n, through: 3n, touched: touch(5) });
  endFirst();
  assert.equal(log.staleAt(reads(5, 6), 1n), 3n);
  endSecond();
  const endThird = log.begin();
  assert.equal(log.staleAt(reads(5, 6), 0n), null);
  endThird();
});

test("commits beyond the limit are forgotten, and what was read before them counts as stale", () => {
  const log = new CommitLog(3);
  const end = log.begin();
  log.add({ after: 10n, through: 11n, touched: touch(1, 2) });
  assert.equal(log.staleAt(reads(5, 6), 10n), null);
  log.add({ after: 11n, through: 12n, touched: touch(1, 2) });
  assert.equal(log.staleAt(reads(5, 6), 10n), 11n);
  assert.equal(log.staleAt([], 10n), null);
  assert.equal(log.staleAt(reads(5, 6), 11n), null);
  assert.equal(log.staleAt(reads(1, 2), 11n), 12n);
  end();
});

test("whatever is forgotten, a read that was touched is never taken for one that still holds", () => {
  const commits = fc.array(fc.array(fc.nat(9), { maxLength: 4 }), { maxLength: 12 });
  fc.assert(
    fc.property(commits, fc.nat(8), fc.nat(12), fc.integer({ min: 1, max: 20 }), (groups, from, at, keysMax) => {
      const log = new CommitLog(keysMax);
      const end = log.begin();
      groups.forEach((numbers, index) => {
        log.add({ after: BigInt(index), through: BigInt(index + 1), touched: touch(...numbers) });
      });
      const ts = BigInt(at);
      const first = groups.findIndex((numbers, index) => index >= at && numbers.some((n) => n === from));
      const staleAt = log.staleAt(reads(from, from + 1), ts);
      if (first >= 0) assert.ok(staleAt !== null && staleAt <= BigInt(first + 1) && staleAt > ts);
      else if (keysMax === 20 && groups.flat().length <= 20) assert.equal(staleAt, null);
      end();
    }),
  );
});
