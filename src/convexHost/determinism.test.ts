import assert from "node:assert/strict";
import { test } from "node:test";
import { RunTrace } from "./determinism.ts";

const ID_1 = "jn78fkgzek79jvgfmaf8rskcj5dt5psh";
const ID_2 = "jn7c1xrkzy0v8b2d4q6w9m3t5h5dt5aa";

/** A run that inserts a document, reads it, and tells its id and time. */
function trace(nowMs: number, id: string, createdMs: number, text = "x"): RunTrace {
  const run = new RunTrace(nowMs);
  run.observe("1.0/insert", `{"table":"t","value":{"text":"${text}"}}`, `{"_id":"${id}"}`);
  run.observe("1.0/get", `{"id":"${id}"}`, `{"_id":"${id}","_creationTime":${createdMs},"text":"${text}"}`);
  run.observe(
    "1.0/insert",
    `{"table":"log","value":{"of":"${id}","at":${createdMs},"now":${nowMs}}}`,
    '{"_id":"other"}',
  );
  run.end(`{"id":"${id}","at":${createdMs}}`);
  return run;
}

test("new ids and creation times are no difference, also where they are told as values", () => {
  assert.equal(trace(1_000, ID_1, 1_000).differenceTo(trace(1_000, ID_2, 1_000.001)), null);
});

test("anything else is: another value, another order, one more operation, another result", () => {
  const run = trace(1_000, ID_1, 1_000);
  assert.match(
    run.differenceTo(trace(1_000, ID_2, 1_000, "y")) ?? "",
    /^first "1\.0\/insert .*"x".*then "1\.0\/insert .*"y"/,
  );
  const longer = trace(1_000, ID_2, 1_000);
  longer.observe("1.0/remove", "{}", "{}");
  assert.match(run.differenceTo(longer) ?? "", /first "nothing more", then "1\.0\/remove/);
  assert.match(longer.differenceTo(run) ?? "", /then "nothing more"/);
  const ended = (result: string) => {
    const trace = new RunTrace(1);
    trace.end(result);
    return trace;
  };
  assert.match(ended("1").differenceTo(ended("2")) ?? "", /first "the result <now>", then "the result 2"/);
});

test("an id that the run did not make is a value like any other", () => {
  const get = (id: string) => {
    const run = new RunTrace(1);
    run.observe("1.0/get", `{"id":"${id}"}`, "null");
    return run;
  };
  assert.equal(get(ID_1).differenceTo(get(ID_1)), null);
  assert.notEqual(get(ID_1).differenceTo(get(ID_2)), null);
});

test("an upload URL is made anew each time", () => {
  const upload = (url: string) => {
    const run = new RunTrace(1);
    run.observe("1.0/storageGenerateUploadUrl", "{}", JSON.stringify(url));
    run.end(JSON.stringify({ url }));
    return run;
  };
  assert.equal(upload("http://h/upload?token=aa").differenceTo(upload("http://h/upload?token=bb")), null);
});
