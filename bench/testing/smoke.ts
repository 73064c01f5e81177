import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Results, Rows } from "../lib/results.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the bench as people do, in a temporary folder of its own so that what it leaves behind can be seen. */
export async function runBench(words: readonly string[], temporary: string): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...words], { env: { ...process.env, TMPDIR: temporary } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

/** One short round: proves that the part works and what it writes, never how fast anything is. */
export async function smoke(part: string): Promise<Rows> {
  const out = mkdtempSync(join(tmpdir(), "bench-out-"));
  const temporary = mkdtempSync(join(tmpdir(), "bench-tmp-"));
  try {
    const { code, stdout, stderr } = await runBench(
      [part, "--rounds", "1", "--seconds", "1", "--json", "--out", out],
      temporary,
    );
    assert.equal(code, 0, stderr);
    const printed = JSON.parse(stdout) as Results;
    const written = JSON.parse(readFileSync(join(out, "latest.json"), "utf8")) as Results;
    assert.deepEqual(written, printed);
    assert.deepEqual(Object.keys(written), ["machine", "commit", "parts"]);
    const rows = written.parts[part] ?? {};
    for (const [name, row] of Object.entries(rows)) checkRow(name, row);
    const report = readFileSync(join(out, "latest.md"), "utf8");
    assert.match(report, new RegExp(`## ${part}\n[^]*\\| (met|missed) \\|[^]*### Throughput`));
    assert.deepEqual(readdirSync(temporary), [], "temporary folders are left");
    return rows;
  } finally {
    rmSync(out, { recursive: true, force: true });
    rmSync(temporary, { recursive: true, force: true });
  }
}

function checkRow(name: string, row: Rows[string]): void {
  assert.deepEqual(Object.keys(row), ["ratios", "spread", "absolute", "unit"], name);
  assert.ok(Number.isFinite(row.absolute) && row.unit !== "", name);
  assert.deepEqual(Object.keys(row.spread), Object.keys(row.ratios), name);
  for (const [peer, ratio] of Object.entries(row.ratios)) {
    const [min = Number.NaN, max = Number.NaN] = row.spread[peer] ?? [];
    assert.ok(ratio > 0 && min <= ratio && ratio <= max && Number.isFinite(max), `${name} against ${peer}`);
  }
}
