import assert from "node:assert/strict";
import { test } from "node:test";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { ComparisonRule } from "./rule.ts";
import { RuleBook } from "./ruleBook.ts";

const WORDS = { normalisers: NORMALISERS, statusClass: String };
const DAY_MS = 86_400_000;

const rule = (id: string, more: Partial<ComparisonRule>): ComparisonRule => ({
  id,
  owner: "t",
  reason: "t",
  until: "contract",
  on: ["*"],
  exclude: true,
  ...more,
});

const route = (match: string, id = match) => {
  const [method = "", path = ""] = match.split(" ");
  return { id, methods: [method], paths: [path] };
};

test("a rule names routes by their label, or by method and template, whatever parameters are called", () => {
  const excludes = (on: string, match: string, id?: string): boolean =>
    new RuleBook([rule("r", { on: [on] })], WORDS, () => 0).forRoute(route(match, id)).excludedBy === "r";
  assert.ok(excludes("*", "GET /a"));
  assert.ok(excludes("GET /a/{folder_id}", "GET /a/:id"));
  assert.ok(excludes("GET /a/{folder_id}/b", "GET /a/:other/b"));
  assert.ok(excludes("GET /a/", "GET /a"));
  assert.ok(excludes("folders", "GET /a", "folders"));
  assert.ok(!excludes("POST /a", "GET /a"));
  assert.ok(!excludes("GET /a/{id}", "GET /a"));
  assert.ok(!excludes("GET /a/{id}", "GET /a/b"));
});

test("a rule of a message holds for that type of that surface only, and for no route", () => {
  const book = new RuleBook([rule("r", { on: ["tutor"], message: "warning" })], WORDS, () => 0);
  assert.equal(book.forMessage("tutor", "warning").excludedBy, "r");
  assert.equal(book.forMessage("tutor", "envelope").excludedBy, null);
  assert.equal(book.forMessage("other", "warning").excludedBy, null);
  assert.equal(book.forRoute(route("GET /a", "tutor")).excludedBy, null);
});

test("a rule whose day has passed hides nothing, within a minute", () => {
  let nowMs = Date.parse("2027-01-01T00:00:00Z");
  const book = new RuleBook([rule("r", { until: "2027-01-01" })], WORDS, () => nowMs);
  const isExcluded = (): boolean => book.forRoute(route("GET /a")).excludedBy === "r";
  assert.ok(isExcluded());
  assert.deepEqual(book.ended, []);
  nowMs += DAY_MS;
  assert.ok(!isExcluded());
  assert.deepEqual(
    book.ended.map(({ id }) => id),
    ["r"],
  );
});

test("a rule that nothing can be done with is refused when it is loaded", () => {
  const { exclude: _, ...plain } = rule("r", { path: "$.a", compare: ["nonsense"] });
  assert.throws(() => new RuleBook([plain], WORDS, () => 0), /no normaliser nonsense/);
  assert.throws(() => new RuleBook([rule("r", {}), rule("r", {})], WORDS, () => 0), /two rules are called r/);
});
