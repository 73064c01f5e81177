import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ClockRanges } from "./clockRanges.ts";

test("ranges are what a set of single clocks would be", () => {
  const ranges = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.integer({ min: 1, max: 8 })), { maxLength: 30 });
  fc.assert(
    fc.property(ranges, fc.nat({ max: 60 }), (added, until) => {
      const clocks = new Set<number>();
      const found = new ClockRanges();
      for (const [from, length] of added) {
        const run = Array.from({ length }, (_, at) => from + at);
        const known = run.filter((clock) => clocks.has(clock)).length;
        const expected = known === 0 ? "new" : known === length ? "known" : "partly";
        assert.equal(found.add(from, from + length), expected);
        for (const clock of run) clocks.add(clock);
      }
      const held = found.ranges().flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at));
      assert.deepEqual(
        held,
        [...clocks].sort((one, other) => one - other),
      );
      assert.equal(found.end, Math.max(0, ...[...clocks].map((clock) => clock + 1)));
      const missing = found
        .missing(until)
        .flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at));
      assert.deepEqual(
        missing,
        Array.from({ length: until }, (_, clock) => clock).filter((clock) => !clocks.has(clock)),
      );
      assert.equal(found.whole, missing[0] ?? Math.max(found.whole, until));
      assert.ok(found.ranges().every(({ from }, at) => at === 0 || from > (found.ranges()[at - 1]?.to ?? 0)));
    }),
  );
});
