// With real files of tests: what never ends by itself must end here, and be told.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readCounts } from "./counts.mjs";

const folder = mkdtempSync(join(tmpdir(), "node-tests-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name, body) {
  const path = join(folder, name);
  writeFileSync(path, `import { test } from "node:test";\n${body}\n`);
  return path;
}

/** In a process of its own: node:test runs no files within a file of tests. */
function runThese(files, limits) {
  const url = new URL("nodeTests.mjs", import.meta.url).href;
  const runner = join(folder, "runner.mjs");
  const source = `import { closeWith, runNodeTests } from ${JSON.stringify(url)};
    closeWith(await runNodeTests(${JSON.stringify(files)}, ${JSON.stringify(limits)}));`;
  writeFileSync(runner, source);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout, status } = spawnSync(process.execPath, [runner], { env, encoding: "utf8", timeout: 60_000 });
  return { counts: readCounts(stdout), printed: stdout, status };
}

const good = () => file("good.test.mjs", 'test("fine", () => {});');

test("a file that something keeps alive after its tests fails, with the name of what that is", () => {
  const kept = file(
    "kept.test.mjs",
    `import { createServer } from "node:net";
     test("leaves a server behind", () => void createServer().listen(0, "127.0.0.1"));`,
  );
  const { counts, printed, status } = runThese([good(), kept], { fileMs: 1_000 });
  assert.deepEqual([counts, status], [{ passed: 2, failed: 1, skipped: 0 }, 1]);
  assert.match(printed, /kept\.test\.mjs has not ended after 1 s; still open: .*TCPServerWrap/);
});

test("a file that never turns its loop ends with the run, which says which it was", () => {
  const busy = file("busy.test.mjs", 'test("turns for ever", () => { for (;;); });');
  const { counts, printed, status } = runThese([good(), busy], { fileMs: 500, graceMs: 1_500 });
  assert.ok(counts !== null && counts.failed > 0 && status === 1);
  assert.match(printed, /busy\.test\.mjs has not ended after 2 s/);
});

test("a process that a test starts has no deadline", () => {
  const { status } = spawnSync(
    process.execPath,
    [`--import=${new URL("fileDeadline.mjs", import.meta.url).href}`, "-e", "setTimeout(() => process.exit(7), 300)"],
    { env: { ...process.env, TEST_FILE_MS: "1", TEST_RUNNER_PID: "1" } },
  );
  assert.equal(status, 7);
});
