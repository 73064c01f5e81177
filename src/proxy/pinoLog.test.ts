import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { createPinoLog } from "./pinoLog.ts";

test("a log that nobody reads is dropped and counted, keeps memory flat and lets the process end", async (t) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "testing/floodLog.ts")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => void child.kill("SIGKILL"));
  child.stdout.pause(); // the pipe fills, and stays full
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  const [code] = (await once(child, "exit")) as [number];
  assert.equal(code, 0, told);
  const { drops, grownMiB, flushMs } = JSON.parse(told) as { drops: number; grownMiB: number; flushMs: number };
  assert.ok(drops > 0, "200,000 lines do not fit");
  assert.ok(grownMiB < 64, `${grownMiB} MiB`);
  assert.ok(flushMs < 3_000, `${flushMs} ms`);
});

test("a warning that repeats is written once a minute; another code, arm or file is another warning", () => {
  const lines: string[] = [];
  const log = createPinoLog({
    level: "info",
    subjectKey: new Uint8Array(32),
    destination: { write: (text: string) => void lines.push(text) },
  });
  for (let i = 0; i < 5; i++) log.event("flags.problem", { code: "flag-invalid" }, "warn");
  log.event("flags.problem", { code: "state-folder" }, "warn");
  log.event("arm.not-ready", { arm: "control" }, "warn");
  log.event("arm.not-ready", { arm: "candidate" }, "warn");
  log.event("listening", { address: "a" });
  log.event("listening", { address: "a" });
  const told = lines.map((text) => JSON.parse(text) as { event: string; code?: string; arm?: string });
  assert.deepEqual(
    told.map(({ event, code, arm }) => [event, code ?? arm ?? ""].join(" ").trim()),
    [
      "flags.problem flag-invalid",
      "flags.problem state-folder",
      "arm.not-ready control",
      "arm.not-ready candidate",
      "listening",
      "listening",
    ],
  );
});
