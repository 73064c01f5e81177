import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { takeNote } from "./watchdogThread.ts";

const dir = mkdtempSync(path.join(tmpdir(), "watchdog-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const LIMIT_MS = 400;

/** Runs `body` in a process of its own that has a watchdog; a process that does not end by itself is killed after 20 s. */
async function runWatched(name: string, body: string, stdio: "ignore" | "pipe" = "ignore") {
  const noteFile = path.join(dir, name);
  const code = `
    import { startWatchdog } from ${JSON.stringify(new URL("./watchdogThread.ts", import.meta.url).href)};
    const watchdog = startWatchdog({ noteFile: ${JSON.stringify(noteFile)}, limitMs: ${LIMIT_MS} });
    const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    // The thread needs a moment to begin.
    await later(300);
    ${body}
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio,
    timeout: 20_000,
    killSignal: "SIGTERM",
  });
  const [exitCode, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return { exitCode, signal, noteFile };
}

test("a loop that never yields ends the process, and the next start learns why", async () => {
  const { signal, noteFile } = await runWatched("loop", "for (;;);");
  assert.equal(signal, "SIGKILL");
  assert.match(takeNote(noteFile)?.message ?? "", /did not yield for 400 ms/);
  assert.equal(takeNote(noteFile), null);
});

test("the note names the call that ran, and none that had ended", async () => {
  const named = await runWatched(
    "named",
    "watchdog.begin('a:b {}'); watchdog.end(); watchdog.begin('ö:c {}'); for (;;);",
  );
  assert.equal(takeNote(named.noteFile)?.call, "ö:c {}");
  const ended = await runWatched("ended", "watchdog.begin('a:b {}'); watchdog.end(); for (;;);");
  assert.equal(takeNote(ended.noteFile)?.call, null);
});

test("a torn note, or one of an earlier version, is told as it is", () => {
  const noteFile = path.join(dir, "torn");
  writeFileSync(noteFile, "did not yi");
  assert.deepEqual(takeNote(noteFile), { message: "did not yi", call: null });
});

test("an endless chain of promises is a loop too", async () => {
  const { signal } = await runWatched("promises", "for (;;) await null;");
  assert.equal(signal, "SIGKILL");
});

test("a loop that floods a log that nobody reads still ends", async () => {
  const { signal } = await runWatched(
    "flood",
    "process.stdout._handle.setBlocking?.(false); for (;;) process.stdout.write('x'.repeat(65536));",
    "pipe",
  );
  assert.equal(signal, "SIGKILL");
});

test("work that yields may take as long as it likes", async () => {
  const body =
    "for (let n = 0; n < 12; n++) { const end = Date.now() + 100; while (Date.now() < end); await later(1); }";
  const { exitCode, noteFile } = await runWatched("yields", body);
  assert.equal(exitCode, 0);
  assert.equal(existsSync(noteFile), false);
});

test("the host's own long work is not taken for a stuck function, and the watch goes on after it", async () => {
  const busy = "const end = Date.now() + 1200; while (Date.now() < end);";
  const calm = await runWatched("paused", `watchdog.pauseDuring(() => { ${busy} }); await later(10);`);
  assert.equal(calm.exitCode, 0);
  const stuck = await runWatched("resumed", `watchdog.pauseDuring(() => { ${busy} }); await later(10); for (;;);`);
  assert.equal(stuck.signal, "SIGKILL");
});

test("a process that was stopped as a whole and goes on is not ended", async () => {
  const child = spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { startWatchdog } from ${JSON.stringify(new URL("./watchdogThread.ts", import.meta.url).href)};
       startWatchdog({ noteFile: ${JSON.stringify(path.join(dir, "stopped"))}, limitMs: ${LIMIT_MS} });
       setTimeout(() => process.send("watching"), 300);
       setTimeout(() => process.exit(7), 2500);`,
    ],
    { stdio: ["ignore", "ignore", "ignore", "ipc"], timeout: 20_000 },
  );
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  await Promise.race([once(child, "message"), ended]);
  child.kill("SIGSTOP");
  setTimeout(() => child.kill("SIGCONT"), 1_200);
  const [exitCode, signal] = await ended;
  assert.deepEqual({ exitCode, signal }, { exitCode: 7, signal: null });
});

test("stopping it lets the process end by itself", async () => {
  const { exitCode } = await runWatched(
    "ended",
    "await watchdog.stop(); const end = Date.now() + 900; while (Date.now() < end);",
  );
  assert.equal(exitCode, 0);
});
