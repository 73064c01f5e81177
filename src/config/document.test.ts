import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readDocument } from "./document.ts";

const whats = (text: string): string[] =>
  readDocument(text).problems.map((one) => `${one.line}:${one.col} ${one.what}`);

test("a line that cannot be read is shown with a caret under the fault", () => {
  const [problem] = readDocument("listen: 127.0.0.1:8000\nrefuse: [/a, /b\nworkers: 2\n").problems;
  assert.deepEqual([problem?.line, problem?.col, problem?.excerpt], [3, 1, "workers: 2\n^"]);
  assert.match(problem?.what ?? "", /^not readable: /);
});

test("a line that may hold a secret is not shown", () => {
  const { problems } = readDocument('secret: "hunter2\n  other: [\n');
  assert.ok(problems.length > 0);
  assert.doesNotMatch(JSON.stringify(problems), /hunter2/);
});

test("a tab as indentation is named", () => {
  assert.deepEqual(whats("arms:\n\tcontrol: 1\n"), ["2:1 a tab indents this line"]);
});

test("a second document is refused", () => {
  assert.deepEqual(whats("a: 1\n---\na: 2\n"), ["2:1 a second document starts"]);
});

test("an empty file and one that is no mapping are said to be that", () => {
  assert.deepEqual(whats(""), ["1:1 the file is empty"]);
  assert.deepEqual(whats("- a\n"), ["1:1 not a mapping"]);
});

test("a file of more than 1 MiB is not even parsed", () => {
  assert.deepEqual(whats(`# ${"x".repeat(1024 * 1024)}\n`), ["1:1 larger than 1 MiB"]);
});

test("nesting of 32 is read and of 33 is refused", () => {
  const nested = (levels: number): string => `${"[".repeat(levels - 1)}1${"]".repeat(levels - 1)}`;
  assert.deepEqual(whats(`a: ${nested(32)}\n`), []);
  assert.deepEqual(whats(`a: ${nested(33)}\n`), ["1:35 nested deeper than 32"]);
});

test("nesting that would exhaust the stack is refused", () => {
  for (const bomb of [
    "[".repeat(500_000),
    "{a: ".repeat(100_000),
    "- ".repeat(200_000),
    `it's ${"[".repeat(100_000)}`,
  ]) {
    assert.ok(readDocument(`${bomb}\n`).problems.length > 0);
  }
});

test("a hundred aliases are read, one more is refused, and few that multiply are too", () => {
  const many = (n: number): string => `a: &a 1\nb: [${Array(n).fill("*a").join(", ")}]\n`;
  assert.deepEqual(whats(many(100)), []);
  assert.deepEqual(whats(many(101)), ["1:1 101 aliases"]);
  const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`);
  assert.deepEqual(whats(`l0: &l0 x\n${levels.join("\n")}\n`), ["1:1 aliases cannot be resolved"]);
});

test("an alias without its anchor is refused", () => {
  assert.deepEqual(whats("a: *gone\n"), ["1:1 aliases cannot be resolved"]);
});

test("words that YAML versions read differently are refused unless quoted", () => {
  assert.deepEqual(whats("a: [on, Off, YES, n, 2026-01-02, 007, '007', \"no\", true, 7, nope]\n"), [
    "1:5 on is a switch to some",
    "1:9 Off is a switch to some",
    "1:14 YES is a switch to some",
    "1:19 n is a switch to some",
    "1:22 2026-01-02 is a date to some",
    "1:34 007 is octal to some",
  ]);
});

test("a key that reaches into objects is refused", () => {
  assert.deepEqual(whats("units:\n  __proto__: { a: 1 }\n"), ["2:3 no name for a key"]);
});

test("places are those of keys and of values, and of the nearest parent when something is missing", () => {
  const document = readDocument("a:\n  - b: 1\n  - c:\n      d: x\n");
  assert.deepEqual(document.keyAt(["a", 1, "c"]), { line: 3, col: 5 });
  assert.deepEqual(document.valueAt(["a", 0, "b"]), { line: 2, col: 8 });
  assert.deepEqual(document.valueAt(["a", 1, "c", "e"]), { line: 3, col: 5 });
  assert.deepEqual(document.valueAt(["gone"]), { line: 1, col: 1 });
});

test("no text makes the reader throw, and none without problems lacks a tree", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .array(
            fc.constantFrom(
              "a",
              ":",
              " ",
              "\n",
              "-",
              "[",
              "]",
              "{",
              "}",
              "&x",
              "*x",
              "'",
              '"',
              "#",
              "\t",
              "!!js",
              "|",
              ">",
              "?",
              "<<",
            ),
            { maxLength: 40 },
          )
          .map((parts) => parts.join("")),
      ),
      (text) => {
        const { tree, problems } = readDocument(text);
        assert.ok(tree !== null || problems.length > 0);
      },
    ),
    { numRuns: 2_000 },
  );
});
