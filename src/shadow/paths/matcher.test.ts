import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createMatcher } from "./matcher.ts";
import { keyText, parsePattern, type Step } from "./pattern.ts";

/** A key, or null for an item of an array. */
type Path = readonly (string | null)[];

const found = (patterns: readonly string[], path: Path): readonly string[] =>
  path.reduce(
    (place, part) => (part === null ? place.item() : place.key(part)),
    createMatcher(patterns.map((pattern) => ({ pattern, value: pattern }))),
  ).found;

test("names, items, any key, any depth", () => {
  const patterns = ["$", "$.a", "$.a[*]", "$.a[*].b", "$..b", "$.*", '$["x y"].*', "$..[*]"];
  assert.deepEqual(found(patterns, []), ["$"]);
  assert.deepEqual(found(patterns, ["a"]), ["$.a", "$.*"]);
  assert.deepEqual(found(patterns, ["a", null]), ["$.a[*]", "$..[*]"]);
  assert.deepEqual(found(patterns, ["a", null, "b"]), ["$.a[*].b", "$..b"]);
  assert.deepEqual(found(patterns, ["b"]), ["$..b", "$.*"]);
  assert.deepEqual(found(patterns, ["x y", "anything"]), ['$["x y"].*']);
  assert.deepEqual(found(patterns, ["q", null, null]), ["$..[*]"]);
});

test("a key as it is written in a path is read as that key", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (key) => {
      assert.deepEqual(parsePattern(`$${keyText(key)}`), [{ on: "key", name: key }]);
    }),
  );
});

test("what is no pattern says what is wrong with it", () => {
  for (const wrong of ["a", "$a", "$.", "$[0]", "$..", '$["a]', "$.a b"]) {
    assert.throws(() => parsePattern(wrong), SyntaxError, wrong);
  }
});

/** The rule of each step, straight from its definition. */
function matches(steps: readonly Step[], path: Path): boolean {
  const [step, ...rest] = steps;
  if (step === undefined) return path.length === 0;
  if (step.on === "descend")
    return path.length === 0 ? matches(rest, path) : matches(rest, path) || matches(steps, path.slice(1));
  const [part, ...further] = path;
  if (part === undefined) return false;
  const isTaken = step.on === "item" ? part === null : part !== null && (step.on === "any-key" || step.name === part);
  return isTaken && matches(rest, further);
}

test("the automaton finds exactly what the patterns say", () => {
  const key = fc.constantFrom("a", "b", "c");
  const part = fc.oneof(
    key.map((name) => `.${name}`),
    key.map((name) => `..${name}`),
    fc.constantFrom(".*", "[*]", "..[*]"),
  );
  const pattern = fc.array(part, { maxLength: 4 }).map((parts) => `$${parts.join("")}`);
  const path = fc.array(fc.oneof(key, fc.constant(null), fc.constant("other")), { maxLength: 6 });
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { maxLength: 5 }), path, (patterns, at) => {
      const expected = patterns.filter((each) => matches(parsePattern(each), at));
      assert.deepEqual(found(patterns, at), expected);
    }),
    { numRuns: 3_000 },
  );
});
