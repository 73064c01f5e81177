import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ConvexError } from "convex/values";
import { makeFunctionFolder } from "./testing/functionFolder.ts";
import { eventually, makeHostBench, mutation, query, runMain } from "./testing/hostBench.ts";
import { SAMPLE_FUNCTIONS } from "./testing/sampleFunctions.ts";

test("serves functions to the official clients, over HTTP and over a socket", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS, {
    variables: "GREETING=good day\n",
    flags: ["--check-determinism"],
  });

  await t.test("queries, mutations and actions", async () => {
    await bench.mutation("notes:add", { text: "one" });
    assert.deepEqual(await bench.query("notes:list"), ["one"]);
    assert.equal(await bench.action("jobs:echo", { text: "two" }), 2);
    assert.deepEqual(await bench.query("notes:list", { text: "two" }), ["two"]);
  });

  await t.test("a ConvexError comes with its data, and what it had written is gone", async () => {
    await assert.rejects(bench.mutation("notes:refuse"), (error) => {
      assert.ok(error instanceof ConvexError);
      assert.deepEqual(error.data, { code: "NOT_NOW", big: 2n ** 60n });
      return true;
    });
    assert.deepEqual(await bench.query("notes:list", { text: "refused" }), []);
  });

  await t.test("internal functions and wrong arguments are refused", async () => {
    await assert.rejects(bench.mutation("notes:hidden"), /Could not find public function/);
    await assert.rejects(bench.mutation("notes:add", { text: 1 }), /ArgumentValidationError/);
  });

  await t.test(
    "functions see the deployment's variables and the host's address, and nothing of the process",
    async () => {
      assert.deepEqual(await bench.query("notes:environment"), {
        GREETING: "good day",
        CONVEX_CLOUD_URL: bench.url,
        CONVEX_SITE_URL: `${bench.url}/http`,
      });
    },
  );

  await t.test("a subscription sees the writes of others and its own", async () => {
    const client = bench.connect();
    const seen: string[][] = [];
    client.onUpdate(query("notes:list"), { text: "live" }, (value) => void seen.push(value as string[]));
    await eventually(() => seen.length === 1);
    await bench.mutation("notes:add", { text: "live" });
    await eventually(() => seen.length === 2);
    await client.mutation(mutation("notes:add"), { text: "live" });
    assert.deepEqual(seen.at(-1), ["live", "live"]);
    await bench.mutation("notes:add", { text: "unrelated" });
    await client.query(query("notes:list"), {});
    assert.equal(seen.length, 3);
  });

  await t.test("what a mutation schedules runs once, and a cancelled job never", async () => {
    const [id, gone] = [
      await bench.mutation("jobs:later", { what: "job", delayMs: 0 }),
      await bench.mutation("jobs:later", { what: "gone", delayMs: 400 }),
    ];
    await bench.mutation("jobs:cancel", { id: gone });
    await eventually(async () => (await bench.query("jobs:state", { id })).kind === "success");
    assert.equal(await bench.query("jobs:count", { what: "job" }), 1);
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(await bench.query("jobs:count", { what: "gone" }), 0);
    assert.deepEqual(await bench.query("jobs:state", { id: gone }), { kind: "canceled" });
    assert.equal(await bench.query("jobs:count", { what: "tick" }), 1);
  });

  await t.test("files go up and come down, by the URL that a function gives", async () => {
    const upload = await fetch(await bench.mutation("files:uploadUrl"), {
      method: "POST",
      body: "contents",
      headers: { "content-type": "text/plain" },
    });
    const { storageId } = (await upload.json()) as { storageId: string };
    const url = await bench.query("files:url", { id: storageId });
    assert.ok(url.startsWith(`${bench.url}/api/storage/`));
    assert.equal(await (await fetch(url)).text(), "contents");
    await bench.mutation("files:remove", { id: storageId });
    assert.equal((await fetch(url)).status, 404);
    await eventually(() => !existsSync(path.join(bench.dataDir, "files", storageId)));
  });

  await t.test("HTTP actions answer", async () => {
    const response = await fetch(`${bench.url}/http/hello`, { method: "POST", body: "you" });
    assert.deepEqual(
      [response.status, response.headers.get("x-greeting"), await response.text()],
      [201, "good day", "hello you"],
    );
  });

  await t.test("it is ready, and tells its figures", async () => {
    assert.equal((await fetch(`${bench.url}/readyz`)).status, 200);
    const text = await (await fetch(`${bench.url}/metrics`)).text();
    assert.match(text, /^embedded_host_calls_total\{kind="mutation",result="failed"\} [1-9]/m);
    assert.match(text, /^embedded_host_jobs_total\{kind="mutation",result="success"\} [1-9]/m);
    assert.match(text, /^embedded_host_crons_total\{result="success"\} 1$/m);
    assert.match(text, /^embedded_host_ready 1$/m);
    assert.match(text, /^embedded_host_connections 1$/m);
  });
});

test("a socket that lost its host goes on with the next one, and its mutation happens once", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS);
  const client = bench.connect();
  let latest: string[] = [];
  client.onUpdate(query("notes:list"), {}, (value) => void (latest = value as string[]));
  await client.mutation(mutation("notes:add"), { text: "before" });
  await bench.stop("SIGKILL");
  const during = client.mutation(mutation("notes:add"), { text: "during" });
  await bench.start();
  await during;
  assert.deepEqual(latest, ["before", "during"]);
  assert.deepEqual(await bench.query("notes:list"), ["before", "during"]);
});

test("SIGTERM lets what is under way finish, then ends with 0 and leaves no log behind", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS);
  const id = await bench.mutation("jobs:slowly", { what: "drain", ms: 1_500 });
  await eventually(async () => (await bench.query("jobs:count", { what: "drain" })) === 1);
  const ended = bench.stop();
  await eventually(async () => (await fetch(`${bench.url}/readyz`).catch(() => null))?.status !== 200);
  assert.deepEqual(await ended, { code: 0, signal: null });
  assert.equal(existsSync(path.join(bench.dataDir, "data.sqlite3-wal")), false);
  await bench.start();
  assert.equal(await bench.query("jobs:count", { what: "drain end" }), 1);
  assert.deepEqual(await bench.query("jobs:state", { id }), { kind: "success" });
});

test("a function that never yields ends the process within seconds; its write is gone, the others stay, the next start says so", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS);
  await bench.mutation("notes:add", { text: "kept" });
  const sinceMs = performance.now();
  await assert.rejects(bench.mutation("notes:spin", { text: "lost" }));
  assert.deepEqual(await bench.process.ended, { code: null, signal: "SIGKILL" });
  const tookMs = performance.now() - sinceMs;
  assert.ok(tookMs > 4_000 && tookMs < 12_000, `${tookMs} ms`);
  const { message } = await (await bench.start()).event("host.endedByWatchdog");
  assert.match(String(message), /did not yield for 5000 ms/);
  assert.deepEqual(await bench.query("notes:list"), ["kept"]);
});

test("with --watch it takes changed functions without losing a connection's queries, and keeps the old ones when the new are broken", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS, { flags: ["--watch"] });
  const source = readFileSync(path.join(bench.folder.root, "notes.ts"), "utf8");
  const client = bench.connect();
  let latest: unknown = null;
  client.onUpdate(query("notes:list"), {}, (value) => void (latest = value));
  await bench.mutation("notes:add", { text: "a" });
  bench.folder.write("notes.ts", source.replace("note.text)", "note.text.toUpperCase())"));
  await bench.process.event("functions.reloaded");
  await eventually(() => JSON.stringify(latest) === '["A"]');
  bench.folder.write("notes.ts", "export const list = (");
  assert.match(String((await bench.process.event("functions.notReloaded"))["message"]), /notes\.ts/);
  assert.deepEqual(await bench.query("notes:list"), ["A"]);
  // Stored documents do not match: nothing changes, and nothing is broken.
  bench.process.events.length = 0;
  bench.folder.write("notes.ts", source);
  bench.folder.write("schema.ts", SAMPLE_FUNCTIONS["schema.ts"]!.replace("text: v.string()", "text: v.number()"));
  assert.match(
    String((await bench.process.event("functions.notReloaded"))["message"]),
    /table "notes": 1 document does not match/,
  );
  await bench.mutation("notes:add", { text: "b" });
  assert.deepEqual(await bench.query("notes:list"), ["A", "B"]);
});

test("export and import through the command line: the copy serves the same, with the same ids", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS);
  const id = await bench.mutation("notes:add", { text: "moved" });
  const { dir } = bench.folder;
  const [out, copy] = [path.join(dir, "out"), path.join(dir, "copy")];
  const busy = runMain(t, ["export", out, "--data", bench.dataDir]);
  assert.equal((await busy.ended).code, 4);
  await bench.stop();
  const exported = runMain(t, ["export", out, "--data", bench.dataDir]);
  assert.equal((await exported.ended).code, 0, exported.stderr);
  assert.equal((await exported.event("exported"))["documents"], 2);
  const imported = runMain(t, ["import", out, "--data", copy]);
  assert.equal((await imported.ended).code, 0, imported.stderr);
  const [note] = readFileSync(path.join(out, "notes/documents.jsonl"), "utf8").split("\n");
  assert.equal(JSON.parse(note!)._id, id);
  const second = runMain(t, ["--functions", bench.folder.root, "--data", copy, "--port", "0"]);
  const { address } = await second.event("listening");
  const answer = await fetch(`${String(address)}/api/query`, {
    method: "POST",
    body: JSON.stringify({ path: "notes:list", args: {} }),
  });
  assert.deepEqual(((await answer.json()) as { value: unknown }).value, ["moved"]);
});

test("exit code 3 for what is wrong with the configuration, each with a sentence", async (t) => {
  const folder = makeFunctionFolder(t, SAMPLE_FUNCTIONS);
  const dataDir = path.join(folder.dir, "data");
  const refuses = async (args: readonly string[], expected: RegExp): Promise<void> => {
    const running = runMain(t, args);
    assert.equal((await running.ended).code, 3, running.stderr);
    assert.match(running.stderr, expected);
  };
  const serve = ["--functions", folder.root, "--data", dataDir, "--port", "0"];
  await refuses(["--data", dataDir], /--functions: missing/);
  await refuses([...serve, "--env-file", path.join(folder.dir, "none.env")], /--env-file: .*ENOENT/);
  writeFileSync(path.join(folder.dir, "bad.env"), "not a line");
  await refuses([...serve, "--env-file", path.join(folder.dir, "bad.env")], /line 1: expected NAME=value/);
  await refuses(["--functions", path.join(folder.dir, "none"), "--data", dataDir], /Expected a folder of functions/);
  folder.write("node.ts", '"use node";\nexport const x = 1;');
  await refuses(serve, /"use node" files are not offered by the embedded host \(Convex-compatible\): node\.ts/);
  folder.write("node.ts", "export const x = 1;");
  folder.write("crons.ts", SAMPLE_FUNCTIONS["crons.ts"]!.replace("jobs:run", "jobs:none"));
  await refuses(serve, /"tick"/);
});

test("the variables of the functions do not become the process's own", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS, { variables: "NODE_OPTIONS=--no-such-flag\nGREETING=x" });
  const environment = readFileSync(`/proc/${bench.process.child.pid}/environ`, "utf8");
  assert.doesNotMatch(environment, /GREETING/);
  assert.equal((await bench.query("notes:environment"))["NODE_OPTIONS"], "--no-such-flag");
});

test("exit code 4 when another has the port or the directory, and the one that runs is not disturbed", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS);
  const second = runMain(t, ["--functions", bench.folder.root, "--data", bench.dataDir, "--port", "0"]);
  assert.equal((await second.ended).code, 4);
  assert.match(second.stderr, /data directory .* is in use/);
  const taken = createServer().listen(0, "127.0.0.1");
  t.after(() => taken.close());
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  const third = runMain(t, [
    "--functions",
    bench.folder.root,
    "--data",
    path.join(bench.folder.dir, "other"),
    "--port",
    String(port),
  ]);
  assert.equal((await third.ended).code, 4);
  assert.match(third.stderr, /EADDRINUSE/);
  await bench.mutation("notes:add", { text: "still" });
});

test("documents that do not match a changed schema refuse the start, named", async (t) => {
  const bench = await makeHostBench(t, SAMPLE_FUNCTIONS);
  const id = await bench.mutation("notes:add", { text: "x" });
  await bench.stop();
  bench.folder.write(
    "schema.ts",
    SAMPLE_FUNCTIONS["schema.ts"]!.replace("rank: v.optional(v.number())", "rank: v.number()"),
  );
  const running = runMain(t, ["--functions", bench.folder.root, "--data", bench.dataDir, "--port", "0"]);
  assert.equal((await running.ended).code, 3);
  assert.ok(running.stderr.includes(id) && running.stderr.includes("rank"), running.stderr);
});
