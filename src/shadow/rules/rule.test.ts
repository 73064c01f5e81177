import assert from "node:assert/strict";
import { test } from "node:test";
import { isLive, ruleSchema } from "./rule.ts";

const RULE = { id: "A3-date", owner: "platform", reason: "the clock of each arm", until: "2027-01-31", on: ["*"] };

const problems = (rule: object): string[] =>
  ruleSchema.safeParse(rule).error?.issues.map(({ message }) => message) ?? [];

test("a rule does exactly one thing at one place", () => {
  assert.deepEqual(problems({ ...RULE, header: "date", ignore: "all" }), []);
  assert.deepEqual(problems({ ...RULE, path: "$.a[*]", compare: ["num(0.01)"] }), []);
  assert.deepEqual(problems({ ...RULE, exclude: true }), []);
  assert.match(problems({ ...RULE, path: "$.a" }).join(), /exactly one thing, this one: none/);
  assert.match(problems({ ...RULE, path: "$.a", ignore: "value", accept: true }).join(), /ignore, accept/);
  assert.match(problems({ ...RULE, ignore: "value" }).join(), /one place/);
  assert.match(problems({ ...RULE, path: "$.a", header: "date", ignore: "value" }).join(), /one place/);
  assert.deepEqual(problems({ ...RULE, message: "warning", accept: true }), []);
  assert.match(problems({ ...RULE, path: "a", ignore: "value" }).join(), /starts with "\$"/);
});

test("what hides differences has an end", () => {
  const { until: _, ...endless } = RULE;
  assert.match(problems({ ...endless, path: "$.a", ignore: "value" }).join(), /ends some day/);
  assert.match(problems({ ...endless, path: "$.a", accept: true }).join(), /ends some day/);
  assert.deepEqual(problems({ ...endless, path: "$.a", severity: "breaking" }), []);
});

test("a rule holds until the end of its last day, that of the contract as long as the contract", () => {
  const rule = ruleSchema.parse({ ...RULE, path: "$.a", ignore: "value" });
  const end = Date.parse("2027-02-01T00:00:00Z");
  assert.ok(isLive(rule, end - 1));
  assert.ok(!isLive(rule, end));
  assert.ok(isLive({ ...rule, until: "contract" }, Number.MAX_SAFE_INTEGER));
});
