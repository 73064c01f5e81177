// With real child processes: a part is a command, and what counts is what it printed and how it ended.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { runParts } from "./runParts.mjs";

const logFolder = mkdtempSync(join(tmpdir(), "parts-"));
after(() => rmSync(logFolder, { recursive: true, force: true }));

const run = async (parts, env = {}) => {
  const lines = [];
  const { CI: _ci, REQUIRE: _require, ...clean } = process.env;
  const code = await runParts([{ parts, lanes: 2 }], {
    env: { ...clean, ...env },
    say: (line) => lines.push(line),
    logFolder,
  });
  return { code, text: lines.join("\n"), last: lines.at(-1) };
};
const part = (name, source, countsAs = "tests") => ({
  name: `probe ${name}`,
  command: [process.execPath, "-e", source],
  countsAs,
});
const prints = (text, code = 0) => `console.log(${JSON.stringify(text)}); process.exitCode = ${code}`;

describe("runParts", () => {
  test("sums the counts of all parts and exits 0 only when all pass", async () => {
    const { code, last } = await run([
      part("a", prints("3 passed, 0 failed, 1 skipped")),
      part("b", prints("fine"), "check"),
    ]);
    assert.equal(last, "4 passed, 0 failed, 1 skipped");
    assert.equal(code, 0);
  });

  test("a failing part is named, its output is shown, and the parts after it still run", async () => {
    const { code, text, last } = await run([
      part("bad", prints("wrong at line 7", 1), "check"),
      part("good", prints("2 passed, 0 failed")),
    ]);
    assert.equal(code, 1);
    assert.match(text, /wrong at line 7/);
    assert.match(text, /failed: probe bad/);
    assert.equal(last, "2 passed, 1 failed, 0 skipped");
  });

  test("a suite that dies after good numbers has failed all the same", async () => {
    const { code, last } = await run([part("dies", `${prints("5 passed, 0 failed")}; process.exit(3)`)]);
    assert.equal(code, 1);
    assert.equal(last, "5 passed, 1 failed, 0 skipped");
  });

  test("what was not run is named last and counted as skipped", async () => {
    const says = "not run: e2e/load.e2e.ts: needs wrk; sudo bash scripts/system.sh\n1 passed, 0 failed";
    const { code, text, last } = await run([part("tools", prints(says))]);
    assert.equal(code, 0);
    assert.match(text, /not run: probe tools: e2e\/load\.e2e\.ts: needs wrk; sudo bash scripts\/system\.sh\n/);
    assert.equal(last, "1 passed, 0 failed, 1 skipped");
  });

  test("with CI=true, or when REQUIRE names the part, what was not run is a failure", async () => {
    const parts = [
      { ...part("absent", ""), notRun: "needs the Python environment" },
      part("here", prints("1 passed, 0 failed")),
    ];
    assert.equal((await run(parts)).code, 0);
    assert.equal((await run(parts, { REQUIRE: "other" })).code, 0);
    for (const env of [{ CI: "true" }, { REQUIRE: "e2e, probe absent" }]) {
      const { code, last } = await run(parts, env);
      assert.equal(code, 1);
      assert.equal(last, "1 passed, 1 failed, 0 skipped");
    }
  });

  test("a run in which nothing was tested is a failure", async () => {
    assert.equal((await run([])).code, 1);
  });
});
