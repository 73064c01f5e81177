// Row by row of contract differences.md §4: what the row allows is not different, its nearest defect is, and how badly.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SHADOW } from "../contract/index.ts";
import { ANSWERS, at, ENVELOPE, session, userModel, uuid } from "./testing/answers.ts";
import { bodies, onRoute } from "./testing/shadowPair.ts";

test("R-1, R-9: notes for people", () => {
  assert.equal(bodies("R1", { message: "a" }, { message: "b" }), "same");
  assert.equal(bodies("R1", { message: "a" }, { message: 5 }), "different breaking");
  const stored = { vector_store_id: "vs_1", analysis_status: "completed", message: "a" };
  assert.equal(bodies("R9", stored, { ...stored, message: "b" }), "same");
  assert.equal(bodies("R9", stored, { ...stored, analysis_status: "failed" }), "different value");
});

test("R-2: the names of metrics are not compared", () => {
  for (const id of ["R2", "livez", "readyz"]) assert.equal(bodies(id, {}, { a: 1 }), "not_compared", id);
});

test("R-4, R-12: newest first, those of one millisecond in any order", () => {
  const list = (...seconds: readonly (readonly [number, number])[]): object => ({
    sessions: seconds.map(([n, second]) => ({ ...session(n), created_at: at(second), updated_at: at(second) })),
    next_before: null,
  });
  assert.equal(bodies("R19", list([1, 9], [2, 9], [3, 5]), list([2, 9], [1, 9], [3, 5])), "same");
  assert.equal(bodies("R19", list([1, 9], [2, 8], [3, 5]), list([2, 8], [1, 9], [3, 5])), "different order");
  assert.equal(bodies("R19", ANSWERS.R19, { ...ANSWERS.R19, next_before: uuid(1) }), "different breaking");
});

test("R-6: rows stand in order, envelopes inside them are compared like those of the socket", () => {
  const rows = (model: object): unknown => [{ turn_no: 2, payload_json: { ...ENVELOPE, user_model_state: model } }];
  const model = userModel() as { concepts: { osmosis: object } };
  const seen = (change: object): object => ({
    ...model,
    concepts: { osmosis: { ...model.concepts.osmosis, ...change } },
  });
  assert.equal(bodies("R6", rows(model), rows(seen({ last_accessed: at(50) }))), "same");
  assert.equal(bodies("R6", rows(model), rows(seen({ alpha: 9 }))), "different value");
  const verdict = onRoute(
    "GET /api/v1/sessions/:id/messages",
    { body: rows(model) },
    { body: rows(seen({ alpha: 9 })) },
  );
  assert.ok(
    "differences" in verdict && verdict.differences[0]?.template.endsWith(".concepts.*.alpha"),
    "topics are data",
  );
});

test("R-7: actions stand in order", () => {
  const body = (...ids: string[]): object => ({ whiteboard_actions: ids.map((objectIds) => ({ objectIds })) });
  assert.equal(bodies("R7", body("a", "b"), body("b", "a")), "different order");
});

test("R-8: sorted lists, and what expires", () => {
  const { R8 } = ANSWERS;
  const summary = (more: object): object => ({ ...R8, ephemeralSummary: { ...R8.ephemeralSummary, ...more } });
  const sorted = {
    ...R8,
    concept_clusters: R8.concept_clusters.toReversed(),
    learner_question_tags: R8.learner_question_tags.toReversed(),
  };
  assert.equal(bodies("R8", R8, sorted), "same");
  assert.equal(bodies("R8", R8, summary({ activeHighlights: 1, recentPointer: null })), "accepted");
  assert.equal(bodies("R8", R8, summary({ activeHighlights: 3 })), "different value");
  assert.equal(bodies("R8", R8, summary({ activeHighlights: "1" })), "different breaking");
  assert.equal(bodies("R8", R8, { ...R8, counts: { ...R8.counts, by_kind: { rect: 2, text: 2 } } }), "different value");
  const { ephemeralSummary: _, ...three } = R8;
  assert.equal(bodies("R8", R8, three), "different breaking");
});

test("R-10: scores to six digits; a document that is no pdf is exact", () => {
  const results = (change: object, at = 0): object => ({
    results: ANSWERS.R25.results.map((one, n) => (n === at ? { ...one, ...change } : one)),
  });
  const score = ANSWERS.R25.results[0]?.score ?? 0;
  assert.equal(bodies("R25", ANSWERS.R25, results({ score: score + 0.000_000_5 })), "same");
  assert.equal(bodies("R25", ANSWERS.R25, results({ score: score + 0.000_01 })), "different value");
  const text = ANSWERS.R25.results[0]?.text.replace("word1x7", "word");
  assert.equal(bodies("R25", ANSWERS.R25, results({ text })), "different value");
  assert.equal(bodies("R25", ANSWERS.R25, results({ text: null }, 2)), "different breaking");
  assert.equal(bodies("R25", ANSWERS.R25, results({ chunk_index: 9 }, 2)), "different value");
  const documents = (more: object): object => ({
    documents: [{ id: uuid(1), format: "md", chunk_count: 20, ...more }],
  });
  assert.equal(bodies("R24", documents({}), documents({ chunk_count: 21 })), "different value");
  assert.equal(
    bodies("R24", documents({ format: "pdf" }), documents({ format: "pdf", chunk_count: 40 })),
    "different value",
  );
  const analysis = (text: string): object => ({
    status: "completed",
    analysis: { analysis_text: text, key_concepts: [], key_terms: {}, file_names: ["a.md"] },
  });
  assert.equal(bodies("R10", analysis("a b c"), analysis("a b d")), "different value");
});

test("R-13, R-17: sums in another order, and a duration of each arm's own", () => {
  const { R22 } = ANSWERS;
  assert.equal(bodies("R22", R22, { ...R22, coverage: R22.coverage + 0.000_09 }), "same");
  assert.equal(bodies("R22", R22, { ...R22, coverage: R22.coverage + 0.000_2 }), "different value");
  assert.equal(bodies("R22", R22, { ...R22, overlaps: 1.000_05 }), "different value");
  assert.equal(bodies("R22", R22, { ...R22, concepts: R22.concepts.toReversed() }), "different order");
  const took = (seconds: unknown, more = {}): object => ({
    analysis: { session_duration_seconds: seconds, e: 1, ...more },
  });
  assert.equal(bodies("R35", took(100), took(105)), "same");
  assert.equal(bodies("R35", took(100), took(106)), "different value");
  assert.equal(bodies("R35", took(100), took(null)), "different breaking");
  assert.equal(bodies("R35", took(100), took(100, { e: 2 })), "different value");
});

test("R-18: of a job that has ended, and of other types, nothing is accepted", () => {
  const job = (status: unknown, progress: unknown, attempts: unknown = 1): object => ({
    id: uuid(1),
    status,
    progress,
    attempts,
  });
  for (const wrap of [(one: object) => ["R36", one] as const, (one: object) => ["R37", { jobs: [one] }] as const]) {
    const is = (one: object, other: object): string => bodies(wrap(one)[0], wrap(one)[1], wrap(other)[1]);
    assert.equal(is(job("success", 1), job("success", 0.9)), "different value");
    assert.equal(is(job("success", 1), job("failed", 1)), "different value");
    assert.equal(is(job("success", 1, 1), job("success", 1, 2)), "different value");
    assert.equal(is(job("running", 0.5), job("running", "0.5")), "different breaking");
    assert.equal(is(job("running", 0.5), job(null, 0.5)), "different breaking");
    assert.equal(is(job("running", 0.5), { id: uuid(1), status: "running", progress: 0.5 }), "different breaking");
  }
});

test("R-21: what reading writes", () => {
  const me = (more: object): object => ({ id: uuid(1), last_active: at(1), ...more });
  assert.equal(bodies("auth.me", me({}), me({ last_active: at(50) })), "same");
  assert.equal(bodies("auth.me", me({}), me({ id: uuid(2) })), "different value");
});

test("R-23: a picture is where the request's key says, with its extension", () => {
  const image = (name: string): object => ({ success: true, image_path: `/conversations/images/${name}` });
  assert.equal(bodies("C12", image(`${uuid(1)}.png`), image(`${uuid(1)}.png`)), "same");
  assert.equal(bodies("C12", image(`${uuid(1)}.png`), image(`${uuid(1)}.gif`)), "different value");
  assert.equal(bodies("C12", image(`${uuid(1)}.png`), image(`${uuid(2)}.png`)), "different value");
  const rules = SHADOW.rules.filter(({ isId }) => isId === true);
  assert.deepEqual(rules, [], "an id that is random would be learnt (faults.md `id-random`)");
});
