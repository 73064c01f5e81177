// The application's comparison rules in the core's comparer: what the tables of differences.md say, on whole answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SHADOW } from "../contract/index.ts";
import { compareExchange, NORMALISERS, type Observation, RuleBook, ruleSchema, type Verdict } from "../shadow/index.ts";

test("every rule is one of the schema", () => {
  for (const rule of SHADOW.rules) assert.deepEqual(ruleSchema.safeParse(rule).error?.issues ?? [], [], rule.id);
});

const WORDS = { normalisers: { ...NORMALISERS, ...SHADOW.normalisers }, statusClass: SHADOW.statusClass };
const BOOK = new RuleBook(SHADOW.rules, WORDS, () => 0, []);
const CONTEXT = { delayMs: 300, nowMs: 0, shadow: "candidate" as const, conditions: SHADOW.conditions, ids: null };

function verdict(route: string, status: number, control: object, candidate: object, book = BOOK): Verdict {
  const [method = "", path = ""] = route.split(" ");
  const rules = book.forRoute({ id: route, methods: [method], paths: [path] });
  const observed = (arm: "control" | "candidate", body: object): Observation => ({
    arm,
    role: arm === "control" ? "served" : "shadow",
    result: {
      reply: { status, headers: [["content-type", "application/json"]], body: Buffer.from(JSON.stringify(body)) },
    },
    isCut: false,
    firstByteMs: 1,
    totalMs: 1,
  });
  return compareExchange(observed("control", control), observed("candidate", candidate), rules, CONTEXT).verdict;
}

const name = (...args: Parameters<typeof verdict>): string => {
  const found = verdict(...args);
  return found.name === "different" ? `different ${found.severity}` : found.name;
};

const FOLDERS = "GET /api/v1/folders/";
const folder = (id: string, at: string, more: object = {}): object => ({
  id,
  name: "Biology",
  created_at: at,
  ...more,
});

test("A10: rows that the shadow made a moment later are equal, a wrong clock is not", () => {
  const list = (at: string): object => ({ folders: [folder("f1", at)], total: 1 });
  assert.equal(name(FOLDERS, 200, list("2026-01-02T03:04:05Z"), list("2026-01-02T03:04:07.200Z")), "equivalent");
  assert.equal(name(FOLDERS, 200, list("2026-01-02T03:04:05Z"), list("2026-01-02T03:05:35Z")), "different value");
});

test("R-4: folders of one millisecond stand in any order, others do not", () => {
  const list = (...all: object[]): object => ({ folders: all, total: 2 });
  const [first, second] = [folder("f1", "2026-01-02T03:04:05Z"), folder("f2", "2026-01-02T03:04:05Z", { name: "Art" })];
  assert.equal(name(FOLDERS, 200, list(first, second), list(second, first)), "equivalent");
  const later = folder("f3", "2026-01-02T04:04:05Z", { name: "Law" });
  assert.equal(name(FOLDERS, 200, list(first, later), list(later, first)), "different order");
});

test("A2: what one arm leaves out or adds is breaking, null is not absent", () => {
  assert.equal(name(FOLDERS, 200, { a: 1, b: null }, { a: 1 }), "different breaking");
  assert.equal(name(FOLDERS, 200, { a: 1 }, { a: 1, _creationTime: 5 }), "different breaking");
});

test("A6–A8: texts of errors are for people, places and codes are not", () => {
  const error = (code: string, message: string): object => ({
    error_code: code,
    error_message: message,
    technical_details: null,
  });
  assert.equal(name(FOLDERS, 404, error("NOT_FOUND", "a"), error("NOT_FOUND", "b")), "equivalent");
  assert.equal(name(FOLDERS, 404, error("NOT_FOUND", "a"), error("WRONG_CODE", "a")), "different breaking");
  assert.equal(name(FOLDERS, 404, { detail: "Not found" }, { detail: "Missing" }), "different value");
  assert.equal(name(FOLDERS, 503, { detail: "a" }, { detail: "b" }), "equivalent");
  const invalid = (...all: string[]): object => ({
    detail: all.map((at) => ({ loc: ["body", at], type: "missing", msg: at })),
  });
  assert.equal(name(FOLDERS, 422, invalid("a", "b"), invalid("b", "a", "b")), "equivalent");
  assert.equal(name(FOLDERS, 422, invalid("a", "b"), invalid("a", "c")), "different value");
});

test("R-8: what is about to expire may be gone on the arm that is asked later", () => {
  const board = (tags: readonly string[]): object => ({
    counts: { by_kind: { rect: 1 } },
    ephemeralSummary: { activeHighlights: 0, activeQuestionTags: tags.map((id) => ({ id })), recentPointer: null },
  });
  const summary = "GET /api/v1/sessions/{session_id}/board_summary";
  assert.equal(name(summary, 200, board(["a", "b"]), board(["b"])), "accepted");
  assert.equal(name(summary, 200, board(["b"]), board(["a", "b"])), "different value");
});

const CHECKED = new RuleBook(SHADOW.rules, WORDS, () => 0, SHADOW.checks);

test("P14, P20: what both arms say alike and neither may say is breaking", () => {
  const told = (more: object): string => {
    const created_at = "2026-01-02T03:04:05.000Z";
    const body = { id: "8d3c2c5e-11aa-4b57-8f0a-0f6f3f1b9a10", name: "Biology", created_at, ...more };
    const seen = verdict("PATCH /api/v1/folders/:id", 200, body, body, CHECKED);
    if (!("differences" in seen)) return seen.name;
    return seen.differences.map(({ path, control, candidate }) => `${path} ${control}→${candidate}`).join();
  };
  assert.equal(told({}), "identical");
  assert.equal(told({ name: true }), "$.name boolean→boolean");
  assert.equal(told({ created_at: "None" }), "$.created_at text→text");
  assert.equal(told({ _creationTime: 5 }), "$._creationTime integer→integer");
});

test("R-2: the names of metrics are not compared", () => {
  assert.equal(name("GET /metrics", 200, {}, { a: 1 }), "not_compared");
});
