import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { type CliHarness, createCliHarness, LAUNCHER } from "./testing/cliHarness.ts";

async function open(t: TestContext): Promise<CliHarness> {
  const harness = await createCliHarness();
  t.after(() => harness.close());
  return harness;
}

test("run prints its addresses on stderr, drains on SIGTERM through the launcher, and ends with 0", async (t) => {
  const harness = await open(t);
  const running = await harness.start({ isLaunched: true });
  assert.equal((await fetch(`${running.adminUrl}/livez`)).status, 200);
  running.signal("SIGTERM");
  const { code, stdout, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /operate token .*operate\.token/);
  assert.match(stderr, /SIGTERM: draining/);
  for (const line of stdout.trim().split("\n")) assert.equal(typeof JSON.parse(line), "object");
});

test("a second signal stops without draining and ends with 130", async (t) => {
  const harness = await open(t);
  await writeFile(harness.configFile, (await readFile(harness.configFile, "utf8")).replace("delay: 0s", "delay: 50s"));
  const running = await harness.start();
  running.signal("SIGTERM");
  await running.said(/draining/);
  running.signal("SIGINT");
  assert.equal((await running.ended).code, 130);
});

test("SIGHUP applies a good file, refuses a bad one whole, and status keeps saying so", async (t) => {
  const harness = await open(t);
  const running = await harness.start();
  const good = await readFile(harness.configFile, "utf8");
  running.signal("SIGHUP");
  await running.said(/: applied/);
  await writeFile(harness.configFile, good.replace("backend: convex", "backend: [convex"));
  running.signal("SIGHUP");
  await running.said(/keeps serving/);
  const { code, stdout } = await harness.run(["status", "--admin-url", running.adminUrl]);
  assert.equal(code, 0);
  assert.match(stdout, /^RELOAD REFUSED/);
  // A save alone is enough for the way back.
  await writeFile(harness.configFile, good);
  await running.said(/config\.reloaded[^]*config\.refused[^]*config\.reloaded/);
  assert.doesNotMatch((await harness.run(["status", "--admin-url", running.adminUrl])).stdout, /RELOAD REFUSED/);
  running.signal("SIGTERM");
  assert.equal((await running.ended).code, 0);
});

test("status --watch prints again and again, outlives the process it watches, and ends with Ctrl-C", async (t) => {
  const harness = await open(t);
  const running = await harness.start();
  const watching = harness.watch(["status", "--watch", "--json", "--admin-url", running.adminUrl]);
  await watching.said(/\{"schemaVersion":1.*\n\{"schemaVersion":1/);
  running.signal("SIGTERM");
  assert.equal((await running.ended).code, 0);
  await watching.said(/No switchyard answers .* What stands above is old/);
  watching.signal("SIGINT");
  const { code, stdout } = await watching.ended;
  assert.equal(code, 0);
  for (const line of stdout.trim().split("\n"))
    assert.equal((JSON.parse(line) as { schemaVersion: number }).schemaVersion, 1);
});

test("a configuration with problems starts nothing and ends with 3", async (t) => {
  const harness = await open(t);
  await writeFile(harness.configFile, "listen: 8000\n");
  const { code, stdout, stderr } = await harness.run(["run"]);
  assert.deepEqual([code, stdout], [3, ""]);
  assert.match(stderr, /switchyard\.config\.yaml: \d+ problems/);
});

test("a taken port is named and ends with 4", async (t) => {
  const harness = await open(t);
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const { code, stderr } = await harness.run(["run"], { SWITCHYARD__LISTEN: `127.0.0.1:${port}` });
  assert.equal(code, 4, stderr);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port} is taken`));
});

test("without a process the flags are those of the file, and the talk says so", async (t) => {
  const harness = await open(t);
  // The configured admin port is 0, where nobody can listen: a closed port stands in for "nothing runs".
  const env = { SWITCHYARD__ADMIN__LISTEN: `127.0.0.1:${await closedPort()}` };
  const set = await harness.run(["flags", "set", "orders", "12.5", "--yes"], env);
  assert.deepEqual([set.code, set.stdout], [0, "orders  12.5 % on candidate  switchyard.orders\n"], set.stderr);
  assert.match(set.stderr, /No process answers .*\nWritten in the flag file .*flags\.json; the next start reads it\./);
  assert.match(await readFile(harness.flagFile, "utf8"), /"rollout": "12\.5"/);
  const list = await harness.run(["flags", "list"], env);
  assert.match(list.stdout, /orders +12\.5 % on candidate/);
  const kill = await harness.run(["kill", "on", "--reason", "x"], env);
  assert.equal(kill.code, 4);
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("the launcher without the project's Node says what to run", async (t) => {
  const harness = await open(t);
  const copy = join(harness.folder, "scripts", "switchyard.mjs");
  cpSync(LAUNCHER, copy);
  cpSync(join(dirname(LAUNCHER), "lib"), join(dirname(copy), "lib"), { recursive: true });
  const { status, stdout, stderr } = spawnSync(process.execPath, [copy, "status"], { encoding: "utf8" });
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /needs its own Node 24, .* is not there\.\nRun "npm ci" in /);
});

test("no path leads from public to admin", async (t) => {
  const harness = await open(t);
  const running = await harness.start();
  const token = (await readFile(join(harness.folder, "state", "operate.token"), "utf8")).trim();
  const paths = [
    "/livez",
    "/readyz",
    "/metrics",
    "/api/status",
    "/api/flags",
    "/api/kill",
    "/api/config",
    "/internal/kill",
  ];
  for (const path of paths) {
    for (const method of ["GET", "POST"]) {
      const init = method === "GET" ? {} : { body: '{"reason":"from outside"}' };
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const answer = await fetch(`${running.proxyUrl}${path}`, { method, headers, ...init });
      const body = await answer.text();
      assert.ok(answer.status === 404 || answer.status === 502, `${method} ${path} gave ${answer.status}`);
      assert.doesNotMatch(body, /schemaVersion|switchyard_|"status":"(alive|ready)"/);
    }
  }
  const { stdout } = await harness.run(["status", "--json", "--admin-url", running.adminUrl]);
  assert.deepEqual((JSON.parse(stdout) as { kills: unknown[] }).kills, []);
});

test("the launcher passes the exit code through", async (t) => {
  const harness = await open(t);
  const { status, stderr } = spawnSync(process.execPath, [LAUNCHER, "statsu"], {
    cwd: harness.folder,
    encoding: "utf8",
  });
  assert.equal(status, 2);
  assert.match(stderr, /Did you mean status\?/);
});
