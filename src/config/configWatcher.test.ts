import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createManualClock } from "../kernel/index.ts";
import { loadConfig } from "./configFile.ts";
import { type Reloaded, watchConfig } from "./configWatcher.ts";
import { SOUND } from "./faults.cases.ts";

const env = { JWT_SECRET_KEY: "0123456789abcdef0123456789abcdef" };

function watched(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  /** As editors do it: a new file takes the old one's name. */
  const save = (...added: string[]): void => {
    writeFileSync(`${file}.new`, [...SOUND, ...added].join("\n"));
    renameSync(`${file}.new`, file);
  };
  save();
  const clock = createManualClock();
  const results: Reloaded[] = [];
  const applied: number[] = [];
  const watch = watchConfig({
    file,
    env,
    clock,
    current: loadConfig({ file, env }),
    apply: (loaded) => {
      if (loaded.config.headers.isArmExposed) throw new Error("no room");
      applied.push(loaded.config.drain.delayMs);
    },
    onReload: (result) => results.push(result),
  });
  t.after(() => watch.stop());
  return { file, save, clock, results, applied, watch };
}

test("a save is applied as a whole within a second", (t) => {
  const { save, clock, applied, watch } = watched(t);
  save("drain: { delay: 9s }");
  clock.advance(1_000);
  assert.deepEqual(applied, [9_000]);
  assert.equal(watch.current.config.drain.delayMs, 9_000);
});

test("a faulty save changes nothing, says so once, and a good one after it is applied", (t) => {
  const { save, clock, applied, results, watch } = watched(t);
  save("drain: { delay: 9s, dely: 1s }");
  clock.advance(5_000);
  assert.deepEqual([applied, results.length, watch.current.config.drain.delayMs], [[], 1, 5_000]);
  assert.match(results[0]?.message ?? "", /18:21 +drain\.dely[^]*The old configuration keeps serving\./);
  save("drain: { delay: 8s }");
  clock.advance(1_000);
  assert.deepEqual(applied, [8_000]);
});

test("a change that needs a restart is refused with its place", (t) => {
  const { save, applied, watch } = watched(t);
  save("drain: { delay: 9s }", "workers: 4");
  const result = watch.reload();
  assert.deepEqual(applied, []);
  assert.deepEqual(
    result.isApplied ? [] : result.problems.map((one) => `${one.line}:${one.col} ${one.path} ${one.what}`),
    ["19:10 workers needs a restart"],
  );
});

test("a configuration that cannot be taken leaves the old one serving", (t) => {
  const { save, clock, results, watch } = watched(t);
  save("drain: { delay: 9s }", "headers: { exposeArm: true }");
  clock.advance(1_000);
  assert.match(results[0]?.message ?? "", /not applied, no room\. The old configuration keeps serving\.$/);
  assert.equal(watch.current.config.drain.delayMs, 5_000);
});

test("a file that is away for a while changes nothing", (t) => {
  const { file, save, clock, results, applied } = watched(t);
  rmSync(file);
  clock.advance(3_000);
  assert.deepEqual(results, []);
  save("drain: { delay: 7s }");
  clock.advance(1_000);
  assert.deepEqual(applied, [7_000]);
});

test("after stop nothing is read and no timer waits", (t) => {
  const { save, clock, results, watch } = watched(t);
  watch.stop();
  save("drain: { delay: 9s }");
  clock.advance(5_000);
  assert.deepEqual([results, clock.pending], [[], 0]);
});

test("what the process took once is refused with its place, whatever else changed", (t) => {
  const { save, clock, results } = watched(t);
  save("drain: { delay: 9s }", "log: { level: error }", "limits: { headSize: 20KiB, keepAlive: 6s }");
  clock.advance(1_000);
  const [result] = results;
  assert.ok(result && !result.isApplied);
  assert.deepEqual(
    result.problems.map(({ path, what }) => `${path} ${what}`),
    ["log needs a restart", "limits.headSize needs a restart", "limits.keepAlive needs a restart"],
  );
});

test("what the store of evidence was opened with needs a restart; that a route keeps bodies does not", (t) => {
  const { file, save, watch } = watched(t);
  const key = (of: number): string => {
    writeFileSync(`${file}.key`, Buffer.alloc(32, of).toString("hex"));
    return `bodyKeyFile: ${file}.key`;
  };
  save(`shadow: { ${key(1)}, bodyRing: 1MiB }`);
  const fresh = watch.reload();
  assert.deepEqual(fresh.isApplied ? [] : fresh.problems.map(({ path }) => path), [
    "shadow.bodyKeyEnv",
    "shadow.bodyRing",
  ]);
  save("shadow: { sample: 5%, bodyRing: 1MiB, routes: [{ route: GET /a/:id, limit: 2% }] }");
  assert.equal(watch.reload().isApplied, true);
});
