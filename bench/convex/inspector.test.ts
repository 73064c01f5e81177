import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { start } from "../lib/process.ts";
import { INSPECTOR_FLAG, openInspector } from "./inspector.ts";

const MIB = 1_048_576;

/** A process that keeps an array of so many numbers, and has made another one that it does not keep. */
const script = (numbers: number): string => `
  const make = () => new Array(${numbers}).fill(0.5);
  globalThis.kept = make();
  globalThis.garbage = make();
  delete globalThis.garbage;
  setInterval(() => {}, 60_000);
  console.log("ready");`;

async function keptBy(numbers: number, dir: string): Promise<number> {
  const args = [INSPECTOR_FLAG, "-e", script(numbers)];
  const running = await start({ name: `keeps-${numbers}`, command: process.execPath, args, dir }, (log) =>
    log.includes("ready") ? true : null,
  );
  try {
    const inspector = await openInspector(running);
    const bytes = await inspector.keptBytes();
    inspector.close();
    return bytes;
  } finally {
    await running.stop();
  }
}

test("what a process keeps is told without its garbage", async () => {
  const dir = mkdtempSync(join(tmpdir(), "bench-inspector-"));
  try {
    const more = (await keptBy(1_000_000, dir)) - (await keptBy(1, dir));
    assert.ok(more > 7 * MIB && more < 9 * MIB, `${more / MIB} MiB for a million numbers of 8 bytes`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
