import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./configFile.ts";
import { FAULTS, type FaultCase, SOUND } from "./faults.cases.ts";
import { ConfigProblems } from "./problems.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

const textOf = ({ lines = {}, added = [] }: Pick<FaultCase, "lines" | "added">): string =>
  [...SOUND.map((line, i) => lines[i + 1] ?? line), ...added].join("\n");

function problemsOf(fault: FaultCase) {
  const env = { JWT_SECRET_KEY: SECRET, ...fault.env };
  try {
    parseConfig(textOf(fault), { file: "switchyard.config.yaml", env });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigProblems)) throw error;
    assert.doesNotMatch(error.message, /hunter2/, "no secret is repeated");
    return error.problems;
  }
}

test("the configuration that the cases change is sound", () => {
  const { config, warnings } = parseConfig(textOf({}), { file: "x.yaml", env: { JWT_SECRET_KEY: SECRET } });
  assert.equal(config.units.get("tutoring")?.routes.length, 2);
  assert.deepEqual(warnings, []);
});

for (const fault of FAULTS) {
  test(`finds ${fault.name} at its place, says what to write, and finds nothing else`, () => {
    const found = problemsOf(fault).map((one) => {
      const place = one.variable ?? `${one.line}:${one.col}`;
      return [[place, one.path, one.what].filter((part) => part !== "").join(" "), one.didYouMean ?? one.expected];
    });
    assert.deepEqual(found, [[fault.finds, fault.hint]]);
  });
}
