import assert from "node:assert/strict";
import { test } from "node:test";
import { SHADOW_CONDITIONS } from "./conditions.ts";
import type { Facts } from "./facts.ts";

const foresees = (name: string, facts: Partial<Facts>): boolean => {
  const all: Facts = { control: undefined, candidate: undefined, nowMs: 0, shadow: "candidate", ...facts };
  return SHADOW_CONDITIONS[name]?.(all) === true;
};

/** Of two values under one key of two objects. */
const foreseesIn = (name: string, key: string, control: object, candidate: object): boolean => {
  const valueIn = (holder: object): unknown => (holder as Record<string, unknown>)[key];
  const above = { control: [{}, [], control], candidate: [{}, [], candidate] };
  return foresees(name, { control: valueIn(control), candidate: valueIn(candidate), above });
};

test("R-8: less of the same on the arm that was asked later is expected, nothing else", () => {
  const is = (earlier: unknown, later: unknown): boolean =>
    foresees("expires-now", { control: earlier, candidate: later });
  assert.ok(is(3, 2) && !is(2, 3) && !is(3, -1));
  assert.ok(is([{ id: "a" }, { id: "b", n: 1 }], [{ n: 1, id: "b" }]));
  assert.ok(!is([{ id: "a" }], [{ id: "b" }]) && !is([], [{ id: "b" }]) && !is([{ id: "a" }], null));
  assert.ok(is({ x: 1 }, null) && !is(null, { x: 1 }) && !is({ x: 1 }, { x: 2 }) && !is(3, null));
  const shadowed = { control: 2, candidate: 3, shadow: "control" as const };
  assert.ok(foresees("expires-now", shadowed) && !foresees("expires-now", { ...shadowed, shadow: "candidate" }));
});

test("A6: of technical details only one arm may tell, as a text", () => {
  const is = (control: unknown, candidate: unknown): boolean => foresees("null-or-text", { control, candidate });
  assert.ok(is(null, "a") && is("a", null));
  assert.ok(!is(null, {}) && !is([], null) && !is(null, 0) && !is("a", 0));
});

const job = (status: string, progress: number, attempts = 1) => ({ status, progress, attempts });

test("R-18: a job may be elsewhere until it has ended on both arms, then it is exact", () => {
  const is = (control: object, candidate: object): boolean => foreseesIn("job-running", "progress", control, candidate);
  assert.ok(is(job("queued", 0, 0), job("running", 0.5)));
  assert.ok(is(job("running", 0.1), job("success", 1)) && is(job("failed", 0.3, 3), job("running", 0.1)));
  assert.ok(!is(job("success", 1), job("failed", 1)));
  assert.ok(!is(job("success", 1), job("success", 0.9)));
});

test("R-18: what no job may say is a difference, whether it runs or not", () => {
  const is = (candidate: object): boolean => foreseesIn("job-running", "status", job("running", 0.1), candidate);
  assert.ok(!is(job("gninnur", 0.1)) && !is(job("running", 1.1)) && !is(job("running", 0.1, 4)));
  assert.ok(!is({ status: "running", progress: "0.1", attempts: 1 }) && !is({ status: "running" }));
  assert.ok(!foresees("job-running", { control: "running", candidate: "success" }), "without its job it is not known");
});

const words = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `word${from + at}`).join(" ");

test("R-10: of a pdf the same words, nearly, in any order", () => {
  const result = (file_name: string, text: string, score = 0.9) => ({ file_name, text, score });
  const is = (one: string, other: string, name = "a.pdf"): boolean =>
    foreseesIn("pdf", "text", result(name, one), result(name, other));
  const turned = words(0, 100).split(" ").reverse().join("\n").toUpperCase();
  assert.ok(is(words(0, 100), turned) && is(words(0, 100), words(0, 100), "SCAN.PDF"));
  assert.ok(is(words(0, 100), words(2, 100)) && !is(words(0, 100), words(10, 100)));
  for (const name of ["a.md", "a.pdf.txt", "pdf", ""]) assert.ok(!is(words(0, 100), words(1, 100), name), name);
  const other = foreseesIn("pdf", "text", result("a.pdf", "a"), result("a.md", "a"));
  assert.ok(!other, "a pdf on one arm only is none");
});

test("R-10: counts and scores of a pdf may differ as little, those of no other document", () => {
  const is = (format: string, one: number, other: number): boolean =>
    foreseesIn("pdf", "chunk_count", { format, chunk_count: one }, { format, chunk_count: other });
  assert.ok(is("pdf", 100, 97) && !is("pdf", 100, 90) && !is("pdf", 1, 0) && !is("docx", 100, 97));
});

test("R-10: an analysis with a pdf among its files counts as a whole", () => {
  const body = (text: string, files: readonly string[], terms: object = { cell: "a wall" }) => ({
    status: "completed",
    analysis: { analysis_text: text, key_concepts: ["cell"], key_terms: terms, file_names: files },
  });
  const is = (control: object, candidate: object): boolean =>
    foresees("pdf-analysis", {
      control: "cell",
      candidate: "sell",
      above: { control: [control], candidate: [candidate] },
    });
  const files = ["a.md", "b.pdf"];
  assert.ok(is(body(words(0, 100), files), body(words(1, 100), files)));
  assert.ok(is(body(words(0, 100), files), body(words(0, 100), files, { cells: "a wall" })));
  assert.ok(!is(body(words(0, 100), files), body(words(20, 100), files)));
  assert.ok(!is(body(words(0, 100), ["a.md"]), body(words(1, 100), ["a.md"])));
  assert.ok(!is({ analysis: null }, body("", files)) && !foresees("pdf-analysis", { control: "a", candidate: "b" }));
});

const error = (error_code: string) => ({ content_type: "error", data: { error_code } });
const answer = { content_type: "explanation", data: {} };
const rare = { compared: 1_000, accepted: 0 };
const whole = { control: [], candidate: [] };

test("S-9: a turn that time has ended on one arm, as an answer of its own or instead of one", () => {
  const is = (control: unknown, candidate: unknown): boolean =>
    foresees("timed-out", { control, candidate, above: whole, turns: rare });
  for (const code of ["QUEUE_OVERFLOW", "TURN_TIMEOUT", "BOARD_STATE_TIMEOUT"]) {
    assert.ok(
      is(answer, error(code)) && is(error(code), answer) && is(undefined, error(code)) && is(error(code), null),
    );
    assert.ok(!is(error(code), error(code)) && !is(error(code), error("INTERNAL_ERROR")));
  }
  assert.ok(!is(answer, error("LLM_TIMEOUT")) && !is(answer, undefined) && !is({}, { content_type: "error" }));
  const inside = { control: "explanation", candidate: "error" };
  const above = { control: [answer], candidate: [error("TURN_TIMEOUT")] };
  assert.ok(foresees("timed-out", { ...inside, above, turns: rare }));
  assert.ok(!foresees("timed-out", { ...inside, turns: rare }), "without its envelope it is not known");
});

test("S-9: one turn of a thousand, and none of fewer", () => {
  const is = (compared: number, accepted: number): boolean =>
    foresees("timed-out", {
      control: answer,
      candidate: error("TURN_TIMEOUT"),
      above: whole,
      turns: { compared, accepted },
    });
  assert.ok(is(1_000, 0) && !is(999, 0) && !is(1_000, 1) && is(2_000, 1) && !is(2_999, 2));
  assert.ok(!foresees("timed-out", { control: answer, candidate: error("TURN_TIMEOUT"), above: whole }));
});

test("S-9: one arm may give up a slow client while the other one's socket is fine", () => {
  const end = (code: number, by: "client" | "arm") => ({ code, by, isHalfOpen: false });
  const is = (control: unknown, candidate: unknown, turns: Facts["turns"] = rare): boolean =>
    foresees("slow-close", { control, candidate, ...(turns && { turns }) });
  assert.ok(is(end(1013, "arm"), null) && is(null, end(1013, "arm")) && is(end(1013, "arm"), end(1000, "client")));
  assert.ok(!is(end(1013, "arm"), end(1011, "arm")) && !is(end(1011, "arm"), null) && !is(null, null));
  assert.ok(!is(end(1013, "arm"), null, { compared: 999, accepted: 0 }));
});
