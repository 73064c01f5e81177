import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { test } from "node:test";

const MAIN = join(import.meta.dirname, "main.ts");

const start = (env: Record<string, string>) =>
  spawn(process.execPath, [MAIN], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });

async function outcome(env: Record<string, string>) {
  const child = start(env);
  let stderr = "";
  let stdout = "";
  child.stderr.on("data", (part) => (stderr += String(part)));
  child.stdout.on("data", (part) => (stdout += String(part)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr, stdout };
}

test("the first line says where it listens, and SIGTERM ends it with exit code 0", async (t) => {
  const child = start({ PORT: "0" });
  t.after(() => child.kill("SIGKILL"));
  const [first] = (await once(createInterface(child.stdout), "line")) as [string];
  const { msg, host, port } = JSON.parse(first) as { msg: string; host: string; port: number };
  assert.deepEqual([msg, host], ["listening", "127.0.0.1"]);
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("a wrong environment is one sentence on stderr and its exit code, nothing is started", async () => {
  const [configuration, faults] = await Promise.all([
    outcome({ PORT: "0", STANDIN_DELAY_MS: "soon" }),
    outcome({ PORT: "0", STANDIN_FAULTS: "m429:2" }),
  ]);
  assert.deepEqual([configuration.code, configuration.stdout, faults.code, faults.stdout], [3, "", 2, ""]);
  assert.match(configuration.stderr, /^model stand-in: .*STANDIN_DELAY_MS.*\n$/);
  assert.match(faults.stderr, /^model stand-in: STANDIN_FAULTS: .*m429:2.*\n$/);
});

test("a port in use is exit code 4", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as { port: number };
  const { code, stderr } = await outcome({ PORT: String(port) });
  blocker.close();
  assert.equal(code, 4);
  assert.match(stderr, /^model stand-in: .*EADDRINUSE.*\n$/);
});
