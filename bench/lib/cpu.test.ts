import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { cpuSecondsOf, isCpuKnown, readStat } from "./cpu.ts";

test("a command with blanks and brackets in its name is read like any other", () => {
  const text = "42 (odd ) name (1) S 7 42 42 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 1 0 100 0 0";
  assert.deepEqual(readStat(text), { parent: 7, cpuSeconds: 3 });
});

test("what a child burns counts for its parent", {
  skip: isCpuKnown ? false : "this system does not tell",
}, async () => {
  const before = cpuSecondsOf(process.pid) ?? 0;
  const ownBefore = process.cpuUsage();
  const child = spawn(process.execPath, [
    "-e",
    "for (const end = Date.now() + 3e5; process.cpuUsage().user < 4e5 && Date.now() < end; ); process.stdout.write('burnt'); setInterval(() => {}, 1e4)",
  ]);
  try {
    await once(child.stdout, "data");
    const own = process.cpuUsage(ownBefore);
    const family = (cpuSecondsOf(process.pid) ?? 0) - before;
    assert.ok(family - (own.user + own.system) / 1e6 > 0.3, `${family} s`);
  } finally {
    child.kill("SIGKILL");
  }
});
