import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { type HostEvent, startHostProcess } from "./index.ts";
import { restartPauseMs } from "./hostProcess.ts";
import { makeFunctionFolder } from "./testing/functionFolder.ts";
import { eventually } from "./testing/hostBench.ts";
import { SAMPLE_FUNCTIONS } from "./testing/sampleFunctions.ts";

async function makeHost(t: TestContext) {
  const folder = makeFunctionFolder(t, SAMPLE_FUNCTIONS);
  const envFile = path.join(folder.dir, "functions.env");
  writeFileSync(envFile, "GREETING=hi");
  const events: HostEvent[] = [];
  const host = await startHostProcess({
    functionsDir: folder.root,
    dataDir: path.join(folder.dir, "data"),
    port: 0,
    envFile,
    onEvent: (event) => void events.push(event),
  });
  t.after(() => host.stop());
  const call = async (kind: string, name: string, args: object = {}) => {
    const body = JSON.stringify({ path: name, args, format: "json" });
    const response = await fetch(`${host.url}/api/${kind}`, { method: "POST", body });
    return ((await response.json()) as { value: any }).value;
  };
  return { host, events, call, folder };
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("a killed host is started again on the same address, and nothing acknowledged is lost", async (t) => {
  const { host, events, call } = await makeHost(t);
  await call("mutation", "notes:add", { text: "kept" });
  assert.equal((await call("query", "notes:environment"))["GREETING"], "hi");
  const { url, pid } = host;
  for (let round = 0; round < 2; round++) {
    process.kill(host.pid, "SIGKILL");
    await eventually(() => events.filter(({ event }) => event === "listening").length === round + 2);
  }
  assert.equal(host.url, url);
  assert.notEqual(host.pid, pid);
  assert.deepEqual(await call("query", "notes:list"), ["kept"]);
  const pauses = events.filter(({ event }) => event === "host.ended").map((event) => event["restartMs"]);
  assert.deepEqual(pauses, [200, 400]);
});

test("stopping it ends the process and does not start it again", async (t) => {
  const { host, events } = await makeHost(t);
  await host.stop();
  assert.equal(isAlive(host.pid), false);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.deepEqual(
    events.filter(({ event }) => event === "host.ended"),
    [],
  );
});

test("a first start that fails says why, and leaves no process", async (t) => {
  const folder = makeFunctionFolder(t, { "notes.ts": "export const x = (" });
  const start = startHostProcess({ functionsDir: folder.root, dataDir: path.join(folder.dir, "data"), port: 0 });
  await assert.rejects(start, /did not start \(exit code 3\): .*notes\.ts/s);
});

test("the host does not outlive the process that started it, however that ended", async (t) => {
  const folder = makeFunctionFolder(t, SAMPLE_FUNCTIONS);
  const code = `
    import { startHostProcess } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
    const host = await startHostProcess({ functionsDir: ${JSON.stringify(folder.root)}, dataDir: ${JSON.stringify(path.join(folder.dir, "data"))}, port: 0 });
    console.log(host.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => void parent.kill("SIGKILL"));
  const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
  const pid = Number(line);
  assert.equal(isAlive(pid), true);
  parent.kill("SIGKILL");
  await eventually(() => !isAlive(pid));
});

test("a second stop waits with the first, and does not cut its drain short", async (t) => {
  const { host, call, events, folder } = await makeHost(t);
  await call("mutation", "jobs:slowly", { what: "drain", ms: 1_500 });
  await eventually(async () => (await call("query", "jobs:count", { what: "drain" })) === 1);
  const first = host.stop();
  await eventually(() => events.some(({ event }) => event === "stopping"));
  await Promise.all([first, host.stop()]);
  const dataDir = path.join(folder.dir, "data");
  const next = await startHostProcess({ functionsDir: folder.root, dataDir, port: Number(new URL(host.url).port) });
  t.after(() => next.stop());
  assert.equal(await call("query", "jobs:count", { what: "drain end" }), 1);
});

test("the pause before a new start doubles from 200 ms to 5 s", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 10_000].map(restartPauseMs),
    [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000],
  );
});
