import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

const ENTRY = new URL("./testing/niceThread.ts", import.meta.url);
/** proc_pid_stat(5): the 19th field, and the 17th behind the name. */
const NICE_AT = 16;

const nicesOf = (name: string): readonly number[] =>
  readdirSync("/proc/self/task").flatMap((id) => {
    const text = readFileSync(`/proc/self/task/${id}/stat`, "utf8");
    const end = text.lastIndexOf(")");
    return text.slice(text.indexOf("(") + 1, end) === name ? [Number(text.slice(end + 2).split(" ")[NICE_AT])] : [];
  });

test("shadow I12: the shadow's threads leave the cores to the serving one, and it keeps its priority", {
  skip: process.platform === "linux" ? false : "only Linux has priorities of threads",
}, async (t) => {
  const before = getPriority();
  for (const [thread, more] of [
    ["mirror", 5],
    ["compare", 10],
  ] as const) {
    const worker = new Worker(ENTRY, { workerData: thread, name: `nice-${thread}` });
    t.after(() => worker.terminate());
    await once(worker, "message");
    assert.deepEqual(nicesOf(`nice-${thread}`), [more], thread);
  }
  assert.equal(getPriority(), before);
});
