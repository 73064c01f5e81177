import assert from "node:assert/strict";
import { test } from "node:test";
import { compareExchange } from "../compare/exchange.ts";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { Observation } from "../observation.ts";
import type { Verdict } from "../verdict.ts";
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

test("types that the arms invent share one set of rules, however many they are", () => {
  const book = new RuleBook([rule("r", { on: ["tutor"], message: "warning" })], WORDS, () => 0);
  const plain = book.forMessage("tutor", "invented-0");
  for (let at = 1; at < 5_000; at++) assert.equal(book.forMessage("tutor", `invented-${at}`), plain);
  assert.equal(book.forMessage("tutor", "warning").excludedBy, "r");
  assert.equal(book.forMessage("unknown-1", "warning"), book.forMessage("unknown-2", "warning"));
  assert.equal(book.dropped, 0);
});

test("routes that no room is left for have their rules nevertheless, and are counted", () => {
  const book = new RuleBook([rule("r", { on: ["GET /b"] })], WORDS, () => 0, [], 1);
  book.forRoute(route("GET /a"));
  assert.equal(book.forRoute(route("GET /b")).excludedBy, "r");
  book.forRoute(route("GET /a"));
  assert.equal(book.dropped, 1);
});

test("a check of the application that throws is counted, and told where a verdict has notes", () => {
  const check = (): never => {
    throw new Error("odd");
  };
  const book = new RuleBook([], WORDS, () => 0, [{ on: ["*"], check }]);
  const observed = (arm: "control" | "candidate", body: string): Observation => ({
    arm,
    role: arm === "control" ? "served" : "shadow",
    result: { reply: { status: 200, headers: ["content-type", "application/json"], body: Buffer.from(body) } },
    isCut: false,
    firstByteMs: 1,
    totalMs: 1,
  });
  const context = { delayMs: 0, nowMs: 0, shadow: "candidate" as const, conditions: {}, ids: null };
  const verdict = (other: string): Verdict =>
    compareExchange(observed("control", "[1]"), observed("candidate", other), book.forRoute(route("GET /a")), context)
      .verdict;
  assert.deepEqual(verdict("[1]"), { name: "identical" });
  const differing = verdict("[2]");
  assert.ok("notes" in differing);
  assert.deepEqual(differing.notes, ["unchecked"]);
  assert.equal(book.checkFailures, 2);
});
