import assert from "node:assert/strict";
import { test } from "node:test";
import { BAD_JSON_TEXT } from "./reply.ts";
import { kindMessages, replyToMessages, RETRY_NOTE } from "./testSupport.ts";

type Members = Record<string, unknown>;

const INPUTS: Readonly<Record<string, Members>> = {
  "planner/1": { concepts: {}, kb: "photosynthesis feeds plants", mastered: [], next: ["osmosis"] },
  "lesson_plan/1": { focus: { topic: "osmosis" }, kb: "", key_concepts: ["membranes", "gradients"] },
  "lesson/1": { kb: "", section: { title: "Membranes" }, segment_index: 0, total_segments: 2 },
  "quiz/1": { difficulty: "hard", instructions: null, kb: "", question_count: 3, topic: "osmosis" },
  "session_analysis/1": { concepts: {}, log: "[USER]: what is osmosis" },
};
const KEYS: Readonly<Record<string, string>> = {
  "planner/1":
    "topic, learning_goal, priority, relevant_concepts, suggested_approach, target_mastery, initial_difficulty",
  "lesson_plan/1": "title, description, target_audience, prerequisites, sections, additional_resources",
  "lesson/1": "title, topic, text",
  "quiz/1": "title, description, lesson_title, questions",
  "session_analysis/1":
    "overall_effectiveness, strengths, improvement_areas, lesson_plan_quality, lesson_plan_insights, content_quality, content_insights, quiz_quality, quiz_insights, student_performance, learning_insights, teaching_effectiveness, teaching_insights, recommendations, recommended_adjustments, suggested_resources",
};

const reply = (kind: string, input: unknown): Members =>
  JSON.parse(replyToMessages(kindMessages(kind, input)).text) as Members;

for (const [kind, input] of Object.entries(INPUTS)) {
  test(`${kind} answers one object with the keys its prompt names`, () => {
    assert.equal(Object.keys(reply(kind, input)).join(", "), KEYS[kind]);
  });

  test(`${kind} heeds only doubled ! words, because its input quotes what people wrote`, () => {
    const said = (words: string) => replyToMessages(kindMessages(kind, { ...input, kb: words }));
    assert.equal(said("!429 !500 !slow !cut !badjson").status, 200);
    assert.doesNotThrow(() => JSON.parse(said("!429 !500 !slow !cut !badjson").text) as unknown);
    assert.equal(said("!!429").status, 429);
    assert.equal(said("!!slow=7").slowMs, 7);
    assert.ok(said("!!cut").isCut);
    assert.equal(said("!!badjson").text, BAD_JSON_TEXT);
  });

  test(`${kind} recovers from !!badjson1 and !!trunc1 at the retry`, () => {
    for (const word of ["!!badjson1", "!!trunc1"]) {
      const messages = kindMessages(kind, { ...input, kb: word });
      assert.throws(() => JSON.parse(replyToMessages(messages).text) as unknown);
      assert.doesNotThrow(() => JSON.parse(replyToMessages([...messages, RETRY_NOTE]).text) as unknown);
    }
  });

  test(`${kind} survives an input that is empty or no object`, () => {
    for (const content of ["{}", "[]", "null", "no json", ""]) {
      assert.ok(Object.keys(reply(kind, content)).length > 0, content);
    }
  });
}

test("replies are built from the words of the input", () => {
  assert.equal(reply("planner/1", INPUTS["planner/1"])["topic"], "osmosis");
  assert.equal(reply("planner/1", { ...INPUTS["planner/1"], next: [] })["topic"], "Feeds");
  assert.deepEqual(
    (reply("lesson_plan/1", INPUTS["lesson_plan/1"])["sections"] as Members[]).map(({ title }) => title),
    ["Membranes", "Gradients"],
  );
  assert.equal(reply("lesson/1", INPUTS["lesson/1"])["title"], "Membranes");
});

test("a quiz has as many valid questions as asked, up to ten", () => {
  const count = (question_count: unknown) => {
    const questions = reply("quiz/1", { ...INPUTS["quiz/1"], question_count })["questions"] as Members[];
    for (const { options, correct_answer_index, difficulty, related_section } of questions) {
      assert.ok((options as string[])[correct_answer_index as number] !== undefined);
      assert.deepEqual([difficulty, related_section], ["hard", "osmosis"]);
    }
    return questions.length;
  };
  assert.deepEqual([count(3), count(10), count(11), count("x")], [3, 10, 10, 1]);
});

test("a document analysis has the five headings in order and the five most frequent long words", () => {
  const text = "plants Plants plants water water WATER cells cells light light roots tiny tiny tiny tiny leafs";
  const analysis = replyToMessages(kindMessages("doc_analysis/1", { files: [{ name: "bio.txt", text }] })).text;
  const lines = analysis.split("\n");
  const headings = ["KEY CONCEPTS:", "CONCEPT DETAILS:", "KEY TERMS GLOSSARY:", "FILES:", "FILE METADATA:"];
  assert.deepEqual(
    lines.filter((line) => headings.includes(line)),
    headings,
  );
  assert.deepEqual(lines.slice(1, 6), ["- plants", "- water", "- cells", "- light", "- leafs"]);
  assert.equal(lines[lines.indexOf("FILES:") + 1], "bio.txt");
  assert.match(lines[lines.indexOf("KEY TERMS GLOSSARY:") + 1] ?? "", /^plants: \S/);
});

test("a document analysis of nothing still has its headings", () => {
  assert.match(replyToMessages(kindMessages("doc_analysis/1", { files: [] })).text, /^KEY CONCEPTS:\nCONCEPT DETAILS:/);
});

test("a log summary is the first thirty words", () => {
  const chunk = Array.from({ length: 50 }, (_, i) => `w${i}`).join("  ");
  const summary = replyToMessages(kindMessages("log_summary/1", { chunk })).text;
  assert.equal(summary.split(" ").length, 30);
  assert.ok(summary.startsWith("w0 w1 "));
});

test("a request without a kind line is answered like a chat, or with an object when it asks for JSON", () => {
  assert.match(replyToMessages([{ role: "user", content: "Hello" }]).text, /"Hello"/);
  assert.equal(replyToMessages([{ role: "user", content: "Hello" }]).kind, "other");
});
