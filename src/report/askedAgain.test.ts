import assert from "node:assert/strict";
import { test } from "node:test";
import { againOf, againText, sampleAgainText, sumAgain } from "./askedAgain.ts";

const FOUND = {
  template: "$.total",
  path: "$.total",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "text",
};
type Recheck = { readonly arms: string[]; readonly control: string[]; readonly candidate: string[] };
const body = (rechecks: readonly Recheck[], repeat: string[] | null = null) => ({
  differences: [FOUND],
  control: null,
  candidate: null,
  again: { rechecks, repeat },
});
const seen = (more: Partial<Recheck> = {}): Recheck => ({ arms: ["$.total"], control: [], candidate: [], ...more });

test("an arm is the same where the place of the family was equal to its first answer, every time it was asked", () => {
  assert.equal(againOf("$.total", { differences: [] }), null);
  assert.equal(againOf("$.total", "stored by another version"), null);
  const both = { rechecks: 1, control: "same", candidate: "same", isStillApart: true, repeat: null };
  assert.deepEqual(againOf("$.total", body([seen()])), both);
  assert.deepEqual(againOf("$.total", body([seen({ control: ["$.other"] })])), both, "another place says nothing");
  assert.deepEqual(againOf("$.items[*].total", body([seen({ arms: ["$.items"], control: ["$.items"] })])), {
    ...both,
    control: "changed",
  });
  const second = body([seen(), seen({ candidate: ["$.total"], arms: [] })], ["$.total"]);
  const told = { rechecks: 2, control: "same", candidate: "changed", isStillApart: false, repeat: "changed" } as const;
  assert.deepEqual(againOf("$.total", second), told);
  assert.equal(sampleAgainText(told), "asked again: control same, candidate changed, equal now, control alone changed");
  const alone = againOf("$.total", body([], []));
  assert.deepEqual([alone?.control, alone?.repeat], [null, "same"]);
});

test("the grid counts each sample once, and repeats of control beside it", () => {
  const all = [
    body([seen()]),
    body([seen()]),
    body([seen({ control: ["$.total"] })], ["$.total"]),
    body([], []),
    { differences: [] },
  ].map((one) => againOf("$.total", one));
  const sum = sumAgain(all);
  assert.deepEqual(sum, {
    samples: 3,
    grid: { same: { same: 2, changed: 0 }, changed: { same: 1, changed: 0 } },
    repeats: { same: 1, changed: 1 },
  });
  assert.equal(againText(sum), "asked again 3: both the same 2, control changed 1, control alone 2, changed 1");
  assert.equal(againText(sumAgain([null])), null);
});
