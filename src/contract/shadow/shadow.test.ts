import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTES } from "../routeTable.ts";
import { RULE_ROWS, SHADOW } from "./index.ts";
import { SHADOW_NORMALISERS, statusClass } from "./words.ts";

const numbered = (prefix: string, last: number): string[] =>
  Array.from({ length: last }, (_, at) => `${prefix}${at + 1}`);

test("every row of differences.md has its entry, once, in its order", () => {
  const rows = [...numbered("A", 13), ...numbered("R-", 24), ...numbered("S-", 15)];
  assert.deepEqual(
    RULE_ROWS.map(({ id }) => id),
    rows,
  );
  const ids = SHADOW.rules.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test("every mirrored route is one of the table, none of them twice, and only reads are mirrored as reads", () => {
  const all = ROUTES.map(({ method, path }) => `${method} ${path}`);
  const mirrored = SHADOW.mirroring.flatMap(({ on, mode }) => on.map((name) => ({ name, mode })));
  assert.equal(new Set(mirrored.map(({ name }) => name)).size, mirrored.length);
  for (const { name, mode } of mirrored) {
    if (!name.includes(" ")) continue;
    assert.ok(all.includes(name), name);
    assert.equal(mode === "read", name.startsWith("GET "), name);
    assert.ok(!/login|register|refresh|logout|internal|metrics/.test(name), name);
  }
});

/** As the core's reader keeps what is no plain integer. */
class Decimal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const same = (name: string, one: unknown, other: unknown): boolean =>
  SHADOW_NORMALISERS[name]?.(name, []).isSame?.(one as never, other as never, { delayMs: 0 }) === true;

test("A7: behind two known beginnings the text is free", () => {
  assert.ok(same("detail-text", "Weak password: too short", "Weak password: 8 characters are needed"));
  assert.ok(!same("detail-text", "Weak password: too short", "Invalid email: too short"));
  assert.ok(!same("detail-text", "Not found", "Missing"));
});

test("A8: a set of places and kinds, whatever the parser says of where JSON ends", () => {
  const at = (...all: readonly (readonly [readonly unknown[], string])[]) => all.map(([loc, type]) => ({ loc, type }));
  const two = at([["body", "name"], "missing"], [["body", "n"], "int_type"]);
  assert.ok(same("invalid-places", two, two.toReversed()));
  assert.ok(same("invalid-places", two, [...two, ...two]));
  assert.ok(!same("invalid-places", two, two.slice(1)));
  assert.ok(!same("invalid-places", at([["body", "name"], "missing"]), at([["body", "name"], "string_type"])));
  assert.ok(same("invalid-places", at([["body", 17], "json_invalid"]), at([["body", 3], "json_invalid"])));
  assert.ok(!same("invalid-places", "text", "other"));
});

test("A8: whether the other keys of a row are there, and of which type, counts", () => {
  const entry = (more: object): readonly object[] => [{ type: "missing", loc: ["body", "name"], ...more }];
  assert.ok(same("invalid-places", entry({ msg: "a", input: 5 }), entry({ input: new Decimal("5.0"), msg: "b" })));
  assert.ok(!same("invalid-places", entry({ msg: "a" }), entry({})));
  assert.ok(!same("invalid-places", entry({ msg: "a" }), entry({ msg: null })));
  assert.ok(!same("invalid-places", entry({}), entry({ url: "https://example.org" })));
  assert.ok(!same("invalid-places", [new Decimal("1.5")], [new Decimal("2.5")]));
});

test("A6: a text is as good as another, what is no text is not", () => {
  assert.ok(same("free-text", "a", "b"));
  assert.ok(!same("free-text", { a: 1 }, { a: 2 }) && !same("free-text", ["a"], ["b"]));
});

test("classes of statuses by name", () => {
  const classes = [401, 403, 4403, 404, 400, 422, 503, 200].map(statusClass);
  assert.deepEqual(classes, ["auth", "forbidden", "forbidden", "not-found", "invalid", "invalid", "server", "200"]);
});
