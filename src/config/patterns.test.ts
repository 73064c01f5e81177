import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canMeet, readMatch, readPattern, segmentsOf, sharedMethods } from "./patterns.ts";

/** The meaning of a pattern, written a second time and slowly. */
function takes(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return path.length === 0;
  if (first === "**") return true;
  const [segment, ...below] = path;
  if (segment === undefined) return false;
  return (first === segment || (first.startsWith(":") && segment !== "")) && takes(rest, below);
}

const segment = fc.constantFrom("a", "b", ":x");
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom("", "/**", "/"))
  .map(([parts, end]) => `/${parts.map((part, i) => (part === ":x" ? `:x${i}` : part)).join("/")}${end}`);
const path = fc.array(fc.constantFrom("a", "b", "c", ""), { minLength: 1, maxLength: 6 });

test("patterns that cannot meet never take the same path", () => {
  fc.assert(
    fc.property(pattern, pattern, path, (one, other, segments) => {
      const isShared = takes(segmentsOf(one), segments) && takes(segmentsOf(other), segments);
      assert.ok(!isShared || canMeet(one, other));
    }),
    { numRuns: 2_000 },
  );
});

test("patterns that can meet have a path that both take", () => {
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      if (!canMeet(one, other)) return;
      const [a, b] = [segmentsOf(one), segmentsOf(other)];
      const longest = a.length > b.length ? a : b;
      const witness = longest.map(
        (_, i) => [a[i], b[i]].find((part) => part !== undefined && /^[a-z]?$/.test(part)) ?? "c",
      );
      const isTaken = [witness, witness.slice(0, -1)].some((tried) => takes(a, tried) && takes(b, tried));
      assert.ok(isTaken, `${one} and ${other} by /${witness.join("/")}`);
    }),
    { numRuns: 2_000 },
  );
});

test("meeting does not depend on the order", () => {
  fc.assert(fc.property(pattern, pattern, (one, other) => assert.equal(canMeet(one, other), canMeet(other, one))));
});

test("sockets and calls never share a method", () => {
  assert.deepEqual(sharedMethods(["WS"], ["*"]), []);
  assert.deepEqual(sharedMethods(["WS"], ["WS"]), ["WS"]);
  assert.deepEqual(sharedMethods(["*"], ["GET"]), ["GET"]);
  assert.deepEqual(sharedMethods(["GET", "POST"], ["POST", "PUT"]), ["POST"]);
});

test("a match is methods, one blank and a pattern", () => {
  assert.deepEqual(readMatch("GET|POST /a/:id"), { value: { methods: ["GET", "POST"], path: "/a/:id" } });
  for (const text of [
    "/a",
    "GET",
    "GET  /a",
    "GET /a ",
    "GET|GET /a",
    "GET|* /a",
    "WS|GET /a",
    "TRACE /a",
    "CONNECT /a",
    "",
  ]) {
    assert.ok("fault" in readMatch(text), text);
  }
});

test("a pattern that no canonical path can match is refused", () => {
  const refused = [
    "a",
    "",
    "/a//b",
    "/a/./b",
    "/a/..",
    "/a?b",
    "/a#b",
    "/a b",
    "/ä",
    "/%2",
    "/%2f%aa",
    "/a*",
    "/*",
    "/:",
    "/:a/:a",
    "/**/a",
    "/{id}",
    "/a\\b",
  ];
  for (const text of refused) assert.ok("fault" in readPattern(text), text);
  for (const text of ["/", "/a/", "/a/:id", "/**", "/a/:id/**", "/a.json", "/%C3%A4"])
    assert.deepEqual(readPattern(text), { value: text });
});
