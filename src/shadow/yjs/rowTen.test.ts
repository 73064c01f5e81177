import assert from "node:assert/strict";
import { test } from "node:test";
import { comeAndGo } from "./testing/comings.ts";
import { faults, foundLate, noFalse, VARIANTS } from "./testing/goal.ts";
import { TRACE_KINDS } from "./testing/traces.ts";

/** shadow §17, row 10, small. */
for (const kind of TRACE_KINDS) {
  test(`shadow §17: ${kind} is the same however it comes`, () => {
    for (const variant of VARIANTS) assert.deepEqual(noFalse(kind, variant, 1, 60), [], variant);
  });

  test(`shadow §17: every lost or changed update of ${kind} is found within 2 s of quiet`, () => {
    const { seen, missed } = foundLate(kind, faults(kind, 2, 48, 16));
    assert.deepEqual(missed, []);
    assert.ok(seen >= 20, `only ${seen} faults showed at all`);
  });
}

test("who comes and goes while one arm is behind makes no difference", () => {
  let [compared, not] = [0, 0];
  for (const [seed, lagMs] of [
    [1, 50],
    [2, 500],
    [3, 2_000],
    [4, 4_500],
  ] as const) {
    const told = comeAndGo(seed, 120, lagMs);
    assert.equal(told.get("different"), undefined, `${seed}`);
    compared += (told.get("identical") ?? 0) + (told.get("equivalent") ?? 0);
    not += told.get("not_compared") ?? 0;
  }
  assert.ok(compared >= 30 && not <= compared / 8, `${compared} compared, ${not} not`);
});
