import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { createJsonLog } from "./jsonLog.ts";

function makeFile(t: TestContext): { file: string; fd: number } {
  const dir = mkdtempSync(path.join(tmpdir(), "json-log-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = path.join(dir, "log");
  const fd = openSync(file, "w");
  return { file, fd };
}

const eventsIn = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("writes a line per event, in order, with its time", async (t) => {
  const { file, fd } = makeFile(t);
  const { log, flush } = createJsonLog({ fd, clock: () => 7 });
  for (let at = 0; at < 2_000; at++) log("tick", { at, text: "ü\n" });
  await flush();
  closeSync(fd);
  const events = eventsIn(readFileSync(file, "utf8"));
  assert.deepEqual(
    events,
    Array.from({ length: 2_000 }, (_, at) => ({ timeMs: 7, event: "tick", at, text: "ü\n" })),
  );
});

test("drops what does not fit while nothing is written, and tells how many", async (t) => {
  const { file, fd } = makeFile(t);
  const { log, flush } = createJsonLog({ fd, waitingMax: 1_000, clock: () => 0 });
  for (let at = 0; at < 100; at++) log("tick", { text: "x".repeat(100) });
  await flush();
  log("after", {});
  await flush();
  closeSync(fd);
  const events = eventsIn(readFileSync(file, "utf8"));
  const kept = events.filter(({ event }) => event === "tick").length;
  assert.ok(kept > 5 && kept < 20);
  assert.equal(events.find(({ event }) => event === "log.dropped")?.["lines"], 100 - kept);
  assert.equal(events.at(-1)?.["event"], "after");
});

test("a log that nobody reads neither stops the process nor grows, and lets it end in time", async () => {
  const code = `
    import { createJsonLog } from ${JSON.stringify(new URL("./jsonLog.ts", import.meta.url).href)};
    const { log, flush } = createJsonLog();
    const sinceMs = performance.now();
    for (let at = 0; at < 20_000; at++) {
      log("flood", { text: "x".repeat(2_000) });
      if (at % 100 === 0) await new Promise(setImmediate);
    }
    const tookMs = performance.now() - sinceMs;
    await flush();
    process.exit(tookMs < 10_000 && process.memoryUsage().rss < 300e6 ? 5 : 6);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 30_000,
  });
  const [exitCode] = (await once(child, "exit")) as [number | null];
  child.stdout.destroy();
  assert.equal(exitCode, 5);
});

test("a reader that has gone costs lines and nothing else", async () => {
  const code = `
    import { createJsonLog } from ${JSON.stringify(new URL("./jsonLog.ts", import.meta.url).href)};
    const { log, flush } = createJsonLog();
    process.once("disconnect", async () => {
      for (let at = 0; at < 100; at++) { log("late", {}); await new Promise(setImmediate); }
      await flush();
      process.exit(5);
    });
    process.send("ready");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    timeout: 30_000,
  });
  const ended = once(child, "exit") as Promise<[number | null]>;
  await Promise.race([once(child, "message"), ended]);
  child.stdout?.destroy();
  child.disconnect();
  assert.equal((await ended)[0], 5);
});
