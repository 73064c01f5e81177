import assert from "node:assert/strict";
import { test } from "node:test";
import { comeAndGo } from "./testing/comings.ts";
import { faults, foundLate, noFalse, VARIANTS } from "./testing/goal.ts";
import { TRACE_KINDS } from "./testing/traces.ts";

const SEEDS = Array.from({ length: 24 }, (_, at) => 100 + at);

/** shadow §17, row 10, in full. */
for (const kind of TRACE_KINDS) {
  test(`shadow §17: ${kind}, many seeds and long traces, is the same however it comes`, () => {
    for (const seed of SEEDS) {
      const steps = seed % 8 === 0 ? 700 : 150;
      for (const variant of VARIANTS) assert.deepEqual(noFalse(kind, variant, seed, steps), [], `${variant} ${seed}`);
    }
  });

  test(`shadow §17: every lost or changed update of ${kind} is found within 2 s of quiet, many seeds`, () => {
    let seen = 0;
    for (const seed of SEEDS.slice(0, 8)) {
      const found = foundLate(kind, faults(kind, seed, 80, 40));
      assert.deepEqual(found.missed, [], `${seed}`);
      seen += found.seen;
    }
    assert.ok(seen >= 400, `only ${seen} faults showed at all`);
  });
}

test("who comes and goes while one arm is behind makes no difference, many seeds", () => {
  for (let seed = 0; seed < 200; seed++) {
    const told = comeAndGo(seed, 150, [50, 500, 2_000, 4_500][seed % 4] ?? 0);
    assert.equal(told.get("different"), undefined, `${seed}`);
  }
});
