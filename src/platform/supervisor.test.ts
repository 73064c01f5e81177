import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { nextFreePort } from "./freePort.ts";
import { createLogFile } from "./logFile.ts";
import { createSupervisor, ServiceFailed, type Supervisor, type SupervisorOptions } from "./supervisor.ts";

/** A real service: answers 200, ends with code 7 on /die, finishes politely on SIGTERM unless STUBBORN. */
const SERVICE = `
import { createServer } from "node:http";
import { appendFileSync } from "node:fs";
const { PORT, STUBBORN, NOTES } = process.env;
const note = (text) => NOTES && appendFileSync(NOTES, text + "\\n");
createServer((request, response) => {
  response.end("fine");
  if (request.url === "/die") setImmediate(() => process.exit(7));
}).listen(Number(PORT), "127.0.0.1", () => console.log("listening", process.pid));
process.on("SIGTERM", () => { note("asked to stop"); if (!STUBBORN) process.exit(0); });
`;
const givenPorts = new Set<number>();
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "supervisor-"));
  writeFileSync(join(folder, "service.mjs"), SERVICE);
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`did not happen in 10 s: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function makeService(
  name: string,
  options: Partial<SupervisorOptions> & { source?: string; env?: NodeJS.ProcessEnv } = {},
) {
  const { port } = await nextFreePort("127.0.0.1", 42_000 + Math.floor(Math.random() * 8_000), givenPorts);
  const said: string[] = [];
  const log = createLogFile(join(folder, `${name}.log`));
  const notes = join(folder, `${name}.notes`);
  const file = join(folder, options.source === undefined ? "service.mjs" : `${name}.mjs`);
  if (options.source !== undefined) writeFileSync(file, options.source);
  const supervisor: Supervisor = createSupervisor(
    {
      name,
      command: process.execPath,
      args: [file],
      cwd: folder,
      env: { ...process.env, PORT: String(port), NOTES: notes, ...options.env },
      readyUrl: `http://127.0.0.1:${port}/readyz`,
    },
    { log, say: (line) => said.push(line), backoff: { firstMs: 20, maxMs: 80 }, readyMs: 10_000, ...options },
  );
  return { supervisor, said, log, url: `http://127.0.0.1:${port}`, notes };
}

describe("supervisor", () => {
  test("is ready when the service answers, keeps its log, and stops it by asking", async () => {
    const { supervisor, said, log, notes } = await makeService("polite");
    await supervisor.start();
    const { pid } = supervisor;
    assert.equal(supervisor.state, "ready");
    assert.ok(pid !== null && isAlive(pid));
    assert.equal(readFileSync(log.path, "utf8"), `listening ${pid}\n`);
    await supervisor.stop();
    assert.equal(supervisor.state, "stopped");
    assert.ok(!isAlive(pid));
    assert.equal(readFileSync(notes, "utf8"), "asked to stop\n");
    assert.deepEqual(said, []);
  });

  test("starts a service again after it died, says why, and waits longer each time", async () => {
    const { supervisor, said, url } = await makeService("mortal");
    await supervisor.start();
    for (const round of [1, 2, 3]) {
      const before = supervisor.pid;
      await fetch(`${url}/die`).catch(() => {});
      await until(() => supervisor.restarts === round && supervisor.state === "ready", `restart ${round}`);
      assert.notEqual(supervisor.pid, before);
    }
    const deaths = said.filter((line) => line.includes("ended (exit code 7)"));
    assert.equal(deaths.length, 3);
    assert.equal(said.filter((line) => line === "mortal is ready again").length, 3);
    await supervisor.stop();
  });

  test("a service that was killed comes back too, and none comes back after stop", async () => {
    const { supervisor } = await makeService("killed");
    await supervisor.start();
    process.kill(supervisor.pid as number, "SIGKILL");
    await until(() => supervisor.restarts === 1 && supervisor.state === "ready", "the restart");
    await supervisor.stop();
    assert.equal(supervisor.pid, null);
    assert.equal(supervisor.restarts, 1);
  });

  test("kills a service that will not stop, after its time is up", async () => {
    const { supervisor, said, notes } = await makeService("stubborn", { stopMs: 200, env: { STUBBORN: "1" } });
    await supervisor.start();
    const pid = supervisor.pid as number;
    await supervisor.stop();
    assert.ok(!isAlive(pid));
    assert.equal(readFileSync(notes, "utf8"), "asked to stop\n");
    assert.deepEqual(said, ["stubborn did not stop within 0.2 s and is killed"]);
  });

  test("a first start that fails is refused with the last words of the log, and leaves nothing running", async () => {
    const { supervisor, log } = await makeService("wrong", {
      source: 'console.error("JWT_SECRET_KEY is too short"); process.exit(3);',
    });
    await assert.rejects(supervisor.start(), (error: Error) => {
      assert.ok(error instanceof ServiceFailed);
      assert.match(error.message, /wrong ended with exit code 3/);
      assert.match(error.message, /JWT_SECRET_KEY is too short/);
      assert.ok(error.message.includes(log.path));
      return true;
    });
    assert.equal(supervisor.pid, null);
    assert.equal(supervisor.restarts, 0);
  });

  test("a service that never answers is killed at the deadline", async () => {
    const { supervisor } = await makeService("mute", { source: "setInterval(() => {}, 1000);", readyMs: 300 });
    await assert.rejects(supervisor.start(), /mute was not ready within 0\.3 s/);
    assert.equal(supervisor.pid, null);
  });

  test("a program that does not exist is a clear failure, not a crash", async () => {
    const log = createLogFile(join(folder, "absent.log"));
    const spec = {
      name: "absent",
      command: join(folder, "nothing-here"),
      args: [],
      cwd: folder,
      env: {},
      readyUrl: "http://127.0.0.1:9/",
    };
    await assert.rejects(
      createSupervisor(spec, { log, say: () => {} }).start(),
      /absent ended with cannot start: .*ENOENT/,
    );
  });

  test("stopping during the wait before a restart starts nothing any more", async () => {
    const { supervisor, url } = await makeService("waiting", { backoff: { firstMs: 60_000, maxMs: 60_000 } });
    await supervisor.start();
    await fetch(`${url}/die`).catch(() => {});
    await until(() => supervisor.state === "waiting", "the wait");
    await supervisor.stop();
    assert.equal(supervisor.restarts, 0);
    assert.ok(existsSync(join(folder, "waiting.log")));
  });
});
