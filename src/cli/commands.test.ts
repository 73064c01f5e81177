import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { type CliHarness, type CliResult, createCliHarness, type RunningCli } from "./testing/cliHarness.ts";
import { createGroupPrint, openSqliteEvidence } from "../shadow/index.ts";
import { capture } from "./testing/captured.ts";
import { assertGolden, shapeOf } from "./testing/golden.ts";
import { family } from "./testing/shadowFolder.ts";

let harness: CliHarness;
let running: RunningCli;
const shapes: string[] = [];

before(async () => {
  harness = await createCliHarness();
  running = await harness.start();
});
after(() => harness.close());

/** In this process, against the real one: a command's own start would be most of the time. */
const ask = (...args: readonly string[]): Promise<CliResult> => askAs({}, ...args);
const askAs = (env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<CliResult> =>
  capture([...args, "--config", harness.configFile, "--admin-url", running.adminUrl], {
    env: { ...harness.env, ...env },
  });
const local = (...args: readonly string[]): Promise<CliResult> => capture(args, { env: harness.env });

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const isLocal = args[0] === "config" || args[0] === "validate";
  const { code, stdout, stderr } = isLocal
    ? await local(...args, "--json", "--config", harness.configFile)
    : await ask(...args, "--json");
  assert.equal(code, 0, stderr);
  const value = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(value["schemaVersion"], 1);
  shapes.push(`$ switchyard ${args.filter((arg) => !arg.startsWith("p_")).join(" ")} --json\n${shapeOf(value)}\n`);
  return value;
}

const explain = async (): Promise<readonly [unknown, unknown]> => {
  const { stdout } = await ask("explain", "--user", "u_81", "--route", "GET /orders/17", "--json");
  const view = JSON.parse(stdout) as { arm: string; reason: string };
  return [view.arm, view.reason];
};

test("flags set moves a user at once, and explain says why", async () => {
  assert.deepEqual(await explain(), ["control", "flag-off"]);
  const set = await ask("flags", "set", "orders", "100", "--yes");
  assert.deepEqual([set.code, set.stdout], [0, "orders  100 % on candidate  switchyard.orders\n"]);
  assert.match(set.stderr, /by the process at http/);
  assert.deepEqual(await explain(), ["candidate", "flag-on"]);
  const { stdout } = await ask("explain", "--user", "u_81", "--route", "WS /events/e1");
  assert.match(
    stdout,
    /^u_81 → candidate\n {2}because {2}flag-on: "orders" is at 100 %, u_81 is in bucket \d+\.\d of 100/,
  );
  assert.match(stdout, /checked {2}kill switch off · no pin · flags \d+ s old \(holds at 120 s\) · epoch \d+/);
  assert.match(stdout, /sockets {2}none open/);
});

test("a pin beats the flag until it is removed", async () => {
  const added = await json(
    "pin",
    "add",
    "--user",
    "u_81",
    "--arm",
    "control",
    "--until",
    "2h",
    "--unit",
    "orders",
    "--yes",
  );
  assert.deepEqual(await explain(), ["control", "pinned"]);
  const listed = (await json("pin", "list", "--user", "u_81")) as {
    pins: { id: string; subject: string; actor: string }[];
  };
  assert.deepEqual(listed.pins, added["pins"]);
  assert.deepEqual(
    listed.pins.map(({ subject, actor }) => [subject, actor]),
    [["u_81", "person:ada"]],
  );
  assert.deepEqual((await ask("pin", "list", "--user", "u_82")).stdout, "");
  await json("pin", "rm", listed.pins[0]?.id ?? "", "--yes");
  assert.deepEqual(await explain(), ["candidate", "flag-on"]);
  assert.equal((await ask("pin", "rm", "--user", "u_81", "--yes")).code, 1);
});

test("kill on never asks and beats everything; off asks and gives the flags back", async () => {
  const on = await json("kill", "on", "--reason", "errors on the candidate");
  assert.deepEqual(
    (on["kills"] as { layer: string }[]).map(({ layer }) => layer),
    ["L0"],
  );
  assert.deepEqual(await explain(), ["control", "kill-switch"]);
  assert.match(
    (await ask("status")).stdout,
    /^KILL SWITCH L0 {2}everything is served by control since .*: "errors on the candidate", by person:ada\n/,
  );
  const unasked = await ask("kill", "off", "--reason", "repaired");
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /--yes/);
  assert.deepEqual(await explain(), ["control", "kill-switch"]);
  await json("kill", "off", "--reason", "repaired", "--yes");
  assert.deepEqual(await explain(), ["candidate", "flag-on"]);
  assert.match((await ask("kill", "off", "--reason", "again", "--yes")).stderr, /already off/);
});

test("status shows both arms of each unit, one unit when asked", async () => {
  await json("status");
  const { code, stdout } = await ask("status", "orders");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /orders {3}100 % on candidate {3}flag switchyard\.orders\n {2}● control +legacy .*\n {2}▲ candidate +convex /,
  );
  assert.doesNotMatch(stdout, /accounts/);
  const unknown = await ask("status", "nope");
  assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /Units: orders, accounts\./);
});

test("refusals come through with their next step and the exit code of their kind", async () => {
  const fixed = await ask("flags", "set", "accounts", "5", "--yes");
  assert.equal(fixed.code, 2);
  assert.match(fixed.stderr, /fixes unit "accounts" on control\.\nUnits decided by a flag: orders\./);
  const unknown = await ask("explain", "--user", "u_81", "--route", "GET /ordres/17");
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /nearest route is "GET \/orders\/:id"/);
  const wrong = await askAs({ SWITCHYARD_TOKEN: "w".repeat(40) }, "kill", "on", "--reason", "x");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /token is not one of this listener/);
  assert.doesNotMatch(wrong.stderr, /wwww/);
});

test("the JSON of every command has the agreed shape", async () => {
  await json("flags", "list");
  await json("flags", "set", "orders", "50", "--yes");
  await json("explain", "--user", "u_81", "--route", "GET /orders/17");
  await json("config", "show", "--effective");
  await json("validate");
  await json("shadow", "forget", "u_99", "--yes");
  assertGolden("json.golden.txt", shapes.join("\n"));
});

test("config show names the origin of every value and holds no secret", async () => {
  const { code, stdout } = await local("config", "show", "--effective", "--config", harness.configFile);
  assert.equal(code, 0);
  assert.match(stdout, /arms\.control\.backend +legacy +\S*switchyard\.config\.yaml:3/);
  assert.match(stdout, / default$/m);
  assert.doesNotMatch(stdout, /ssss/);
});

test("a user's samples go from files of processes that run no more, though nothing is mirrored here", async () => {
  const stateDir = join(harness.folder, "state");
  assert.equal((await ask("shadow", "forget", "u_81", "--yes")).stdout, "there were no samples\n");
  const key = await readFile(join(stateDir, "subject.key"));
  const found = family({});
  for (const [at, campaign] of ["c1", "c2"].entries()) {
    const store = openSqliteEvidence(join(stateDir, `shadow-${at}.sqlite3`));
    const samples = ["u_81", "u_82", "u_81"].map((subject, place) => ({
      family: found.name,
      place,
      group: createGroupPrint(key, campaign)(subject),
      atMs: Date.now(),
      body: {},
    }));
    const row = { id: campaign, unit: "orders", controlBuild: "1", candidateBuild: "2", rulesHash: "r", startedMs: 1 };
    const rest = { process: "p", atMs: 2, minutes: [], families: [found], groups: null };
    await store.save({ campaign: row, samples, ...rest });
    await store.close();
  }
  const unasked = await ask("shadow", "forget", "u_81");
  assert.deepEqual([unasked.code, unasked.stdout], [2, ""]);
  assert.match(unasked.stderr, /Repeat the command with --yes/);
  const gone = await ask("shadow", "forget", "u_81", "--yes", "--reason", "asked for by mail");
  assert.deepEqual([gone.code, gone.stdout], [0, "4 samples of 2 campaigns removed\n"]);
  assert.equal((await ask("shadow", "forget", "u_81", "--yes")).stdout, "there were no samples\n");
  const aside = "shadow-0.sqlite3.broken-2026-01-01T00-00-00-000Z";
  await writeFile(join(stateDir, aside), "?");
  const last = await ask("shadow", "forget", "u_82", "--yes");
  assert.deepEqual([last.code, last.stdout], [1, "2 samples of 2 campaigns removed\n"]);
  assert.match(last.stderr, /shadow-0\.sqlite3\.broken-\S+ cannot be read \(broken\) and may hold some/);
  assert.equal((await ask("shadow", "forget", "u".repeat(129), "--yes")).code, 2);
});

test("validate says fine, or lists the problems and ends with 3", async () => {
  assert.deepEqual((await local("validate", harness.configFile)).code, 0);
  const bad = join(harness.folder, "bad.yaml");
  await writeFile(bad, (await readFile(harness.configFile, "utf8")).replace("candidate:", "candidat:"));
  const text = await local("validate", bad);
  assert.deepEqual([text.code, text.stderr], [3, ""]);
  assert.match(text.stdout, /did you mean "candidate"/);
  const machine = await local("validate", bad, "--json");
  const { isValid, problems } = JSON.parse(machine.stdout) as { isValid: boolean; problems: { line: number }[] };
  assert.deepEqual([machine.code, isValid, problems.some(({ line }) => line === 4)], [3, false, true]);
});

test("an admin address where nobody listens is exit 4, with what to start", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const { code, stdout, stderr } = await local("status", "--admin-url", `http://127.0.0.1:${port}`);
  assert.deepEqual([code, stdout], [4, ""]);
  assert.match(stderr, /No switchyard answers at .* \(connection refused\)\.\nStart it with "switchyard run"/);
});
