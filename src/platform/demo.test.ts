import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseDuration } from "./demo.ts";

const DRIVER = fileURLToPath(new URL("testing/demoDriver.ts", import.meta.url));
/** A service that is ready at once and notes its end; with STUBBORN it never ends by itself. */
const SERVICE = `
const { createServer } = require("node:http");
const { appendFileSync } = require("node:fs");
const { PORT, DRIVER_ROOT, STUBBORN, OPENAI_API_KEY, OPENAI_BASE_URL, JWT_SECRET_KEY, SHADOW_INSTANCE } = process.env;
const name = (SHADOW_INSTANCE ? "shadow-" : "") + process.env.SERVICE_NAME;
if (SHADOW_INSTANCE && process.env.DRIVER_BROKEN_TARGETS) { console.error("no room here"); process.exit(3); }
const note = (text) => appendFileSync(DRIVER_ROOT + "/notes", text + "\\n");
createServer((request, response) => response.end("fine")).listen(Number(PORT), "127.0.0.1");
if (SHADOW_INSTANCE) appendFileSync(DRIVER_ROOT + "/" + name + ".json", JSON.stringify(process.env));
else if (name !== "model" && name !== "cassette") note(name + " " + JSON.stringify({ OPENAI_API_KEY, hasBase: !!OPENAI_BASE_URL, secret: JWT_SECRET_KEY?.length }));
process.on("SIGTERM", () => { if (STUBBORN) return; note(name + " stopped"); process.exit(0); });
`;
const folders: string[] = [];
const demos: Demo[] = [];
/** A test that fails leaves its demo behind, and this file would wait for it. */
afterEach(async () => {
  for (const { child, ended } of demos.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      for (const signal of ["SIGINT", "SIGINT"] as const) child.kill(signal);
      const cap = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(cap);
    }
  }
});
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function makeRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "demo-"));
  folders.push(root);
  const write = (path: string, text: string): void => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("service.cjs", SERVICE);
  write("src/convexBackend/main.ts", 'process.env.SERVICE_NAME = "candidate";\nawait import("../../service.cjs");\n');
  write("src/modelStandIn/main.ts", 'process.env.SERVICE_NAME = "model";\nawait import("../../service.cjs");\n');
  // `--admin 127.0.0.1:8007` says where the cassette shows that it lives.
  write(
    "src/main.ts",
    'process.env.PORT = process.argv[process.argv.indexOf("--admin") + 1].split(":")[1];\nprocess.env.SERVICE_NAME = "cassette";\nawait import("../service.cjs");\n',
  );
  write("package.json", '{"type":"module"}');
  const python = "legacy/.venv/bin/python";
  write(python, `#!/bin/sh\nSERVICE_NAME=control exec "${process.execPath}" "${join(root, "service.cjs")}" tutoring\n`);
  chmodSync(join(root, python), 0o755);
  return root;
}

interface Demo {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<number | null>;
}

function startDemo(root: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Demo {
  const child = spawn(process.execPath, [DRIVER, "demo", ...args], {
    env: { ...process.env, DRIVER_ROOT: root, ...env },
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
  const ended = once(child, "close").then(([code]) => code as number | null);
  const demo = { child, out: () => out, err: () => err, ended };
  demos.push(demo);
  return demo;
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`did not happen in 20 s: ${what()}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

const notes = (root: string): string[] => readFileSync(join(root, "notes"), "utf8").trim().split("\n");
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const services = (root: string): Record<string, number> =>
  (JSON.parse(readFileSync(join(root, "data/demo/run.json"), "utf8")) as { services: Record<string, number> }).services;

describe("demo", () => {
  test("starts everything, says where it is, and Ctrl-C stops it in order with exit 0", async () => {
    const root = makeRoot();
    const plain = ["--no-traffic", "--no-shadow"];
    const demo = startDemo(root, plain, { OPENAI_API_KEY: "sk-real", OPENAI_BASE_URL: "" });
    await until(() => demo.out().includes("Try:"), demo.err);
    const pids = Object.values(services(root));
    assert.equal(pids.length, 3);
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended, 0, demo.err());

    assert.match(demo.out(), /25 % exposed/);
    assert.doesNotMatch(demo.out(), /shadow/);
    const all = notes(root);
    // A key found alone in the environment reaches no arm.
    for (const arm of ["control", "candidate"]) {
      assert.ok(all.includes(`${arm} {"OPENAI_API_KEY":"local","hasBase":true,"secret":64}`), all.join("\n"));
    }
    const stops = all.filter((line) => line.endsWith(" stopped"));
    assert.equal(stops[0], "proxy stopped");
    assert.deepEqual(new Set(stops.slice(1, 3)), new Set(["control stopped", "candidate stopped"]));
    assert.deepEqual(new Set(stops.slice(3)), new Set(["model stopped", "host stopped"]));
    assert.ok(pids.every((pid) => !isAlive(pid)));
    assert.ok(!existsSync(join(root, "data/demo/run.json")));
  });

  test("the cassette stands between the arms and the model before the banner, the targets come behind it, and all stop in order", async () => {
    const root = makeRoot();
    const demo = startDemo(root, ["--no-traffic"]);
    await until(() => demo.err().includes("shadow ready after"), demo.err);
    const running = services(root);
    assert.deepEqual(Object.keys(running).toSorted(), [
      "candidate",
      "cassette",
      "control",
      "model",
      "shadow-candidate",
      "shadow-control",
    ]);
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended, 0, demo.err());
    const stops = notes(root).filter((line) => line.endsWith(" stopped"));
    assert.equal(stops[0], "proxy stopped");
    assert.deepEqual(
      new Set(stops.slice(1, 4)),
      new Set(["shadow-control stopped", "shadow-candidate stopped", "host stopped"]),
    );
    assert.deepEqual(new Set(stops.slice(4, 6)), new Set(["control stopped", "candidate stopped"]));
    assert.deepEqual(new Set(stops.slice(6)), new Set(["cassette stopped", "model stopped", "host stopped"]));
    assert.ok(Object.values(running).every((pid) => !isAlive(pid)));
  });

  test("a target has keys, a store and a model of its own, the proxy knows them by name, and nobody prints them", async () => {
    const root = makeRoot();
    const theirs = {
      DATABASE_URL: "postgresql://users",
      FAULTS: "500:R4",
      JWT_ISSUER: "us",
      OPENAI_API_KEY: "sk-real",
    };
    const demo = startDemo(root, ["--no-traffic"], theirs);
    await until(() => demo.err().includes("shadow ready after"), demo.err);
    demo.child.kill("SIGTERM");
    assert.equal(await demo.ended, 0, demo.err());
    const overrides = JSON.parse(readFileSync(join(root, "overrides.json"), "utf8")) as Record<string, string>;
    // Nothing, until the targets were there.
    assert.equal(overrides["shadow.sample"], "100%");
    assert.equal(overrides["shadow.modes.tutoring"], "sandbox");
    const secrets = new Set<string>();
    for (const arm of ["control", "candidate"]) {
      const env = JSON.parse(readFileSync(join(root, `shadow-${arm}.json`), "utf8")) as Record<string, string>;
      assert.equal(overrides[`shadow.targets.${arm}.url`], `http://127.0.0.1:${env["PORT"]}`);
      assert.equal(overrides[`shadow.targets.${arm}.jwtSecretEnv`], "SHADOW_JWT_SECRET");
      assert.equal(overrides[`shadow.targets.${arm}.serviceTokenEnv`], "SHADOW_SERVICE_TOKEN");
      assert.equal(env["DATA_DIR"], join(root, "data/shadow", arm));
      assert.deepEqual([env["SHADOW_INSTANCE"], env["JWT_AUDIENCE"]], ["1", "switchyard-shadow"]);
      assert.deepEqual([env["HOST"], env["OPENAI_API_KEY"]], ["127.0.0.1", "local"]);
      for (const name of ["DATABASE_URL", "FAULTS", "JWT_ISSUER"]) assert.equal(env[name], undefined, name);
      assert.notEqual(env["JWT_SECRET_KEY"], readFileSync(join(root, "data/demo/jwt.secret"), "utf8").trim());
      assert.notEqual(env["SERVICE_TOKEN"], readFileSync(join(root, "data/demo/service.token"), "utf8").trim());
      secrets.add(env["JWT_SECRET_KEY"] ?? "").add(env["SERVICE_TOKEN"] ?? "");
    }
    assert.equal(secrets.size, 2);
    const said = [demo.out(), demo.err(), JSON.stringify(overrides)].join();
    for (const secret of secrets) assert.ok(secret.length >= 32 && !said.includes(secret));
  });

  test("targets that cannot start are said, and the demo goes on without them", async () => {
    const root = makeRoot();
    const demo = startDemo(root, ["--no-traffic"], { DRIVER_BROKEN_TARGETS: "1" });
    await until(() => /The shadow is not there.*no room here/s.test(demo.err()), demo.err);
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended, 0, demo.err());
    assert.match(demo.out(), /Try:/);
    const overrides = JSON.parse(readFileSync(join(root, "overrides.json"), "utf8")) as Record<string, string>;
    assert.equal(overrides["shadow.sample"], "0%");
  });

  test("keeps tokens of one student per arm in a private file and prints none", async () => {
    const root = makeRoot();
    const demo = startDemo(root, ["--no-traffic", "--for", "100ms"]);
    assert.equal(await demo.ended, 0, demo.err());
    const file = join(root, "data/demo/tokens.json");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const tokens = JSON.parse(readFileSync(file, "utf8")) as Record<string, { token: string; email: string }>;
    assert.match(tokens["candidate"]?.email ?? "", /^ada/);
    assert.doesNotMatch(tokens["control"]?.email ?? "ada", /^ada/);
    const secret = readFileSync(join(root, "data/demo/jwt.secret"), "utf8").trim();
    for (const hidden of [tokens["control"]?.token, tokens["candidate"]?.token, secret]) {
      assert.ok(hidden && !demo.out().includes(hidden) && !demo.err().includes(hidden));
    }
  });

  test("a second signal kills what does not stop and exits 130", async () => {
    const root = makeRoot();
    const demo = startDemo(root, ["--no-traffic"], { STUBBORN: "1" });
    await until(() => demo.out().includes("Try:"), demo.err);
    const pids = Object.values(services(root));
    demo.child.kill("SIGINT");
    await until(() => notes(root).includes("proxy stopped"), demo.err);
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended, 130);
    assert.ok(notes(root).includes("host killed"));
    await until(
      () => pids.every((pid) => !isAlive(pid)),
      () => "the services are gone",
    );
  });

  test("a taken port is replaced by the next free one, and everything that depends on it follows", async () => {
    const root = makeRoot();
    const blocker = createServer();
    const settled = Promise.withResolvers<void>();
    // Another test run may hold it already; then it is taken all the same.
    blocker.once("error", () => settled.resolve());
    blocker.listen(8002, "127.0.0.1", settled.resolve);
    await settled.promise;
    const demo = startDemo(root, ["--no-traffic", "--for", "100ms"]);
    assert.equal(await demo.ended, 0, demo.err());
    blocker.close();
    const overrides = JSON.parse(readFileSync(join(root, "overrides.json"), "utf8")) as Record<string, string>;
    const [, port] = /8002 is in use: candidate is on (\d+)/.exec(demo.out()) ?? [];
    assert.ok(port, demo.out());
    assert.equal(overrides["arms.candidate.url"], `http://127.0.0.1:${port}`);
  });

  test("a service that cannot start ends the demo with exit 4 and its last words, and nothing is left running", async () => {
    const root = makeRoot();
    writeFileSync(join(root, "src/convexBackend/main.ts"), 'console.error("no schema here");\nprocess.exit(3);\n');
    const demo = startDemo(root, ["--no-traffic"]);
    assert.equal(await demo.ended, 4);
    assert.match(demo.err(), /candidate ended with exit code 3/);
    assert.match(demo.err(), /no schema here/);
    assert.ok(!notes(root).includes("proxy started"));
    assert.ok(!existsSync(join(root, "data/demo/run.json")));
  });

  test("a port that is taken between choosing and using is no end: other ports are chosen", async () => {
    const root = makeRoot();
    // Ends like a service whose port is in use (exit 4), the first time only.
    const source =
      'import { existsSync, writeFileSync } from "node:fs";\nif (!existsSync("was-here")) { writeFileSync("was-here", ""); process.exit(4); }\n';
    const usual = readFileSync(join(root, "src/convexBackend/main.ts"), "utf8");
    writeFileSync(join(root, "src/convexBackend/main.ts"), source + usual);
    const demo = startDemo(root, ["--no-traffic", "--for", "50ms"]);
    assert.equal(await demo.ended, 0, demo.err());
    assert.ok(existsSync(join(root, "was-here")));
  });

  test("an admin listener that fails ends the demo and everything it started", async () => {
    const root = makeRoot();
    const demo = startDemo(root, ["--no-traffic", "--no-shadow"], { DRIVER_BROKEN_ADMIN: "1" });
    assert.equal(await demo.ended, 70);
    assert.match(demo.err(), /answered GET \/api\/flags with 503/);
    assert.deepEqual(notes(root).filter((line) => line.endsWith(" stopped")).length, 5);
  });

  test("what a person set in an earlier run stays; only a new clone gets the first exposure", async () => {
    const root = makeRoot();
    const start = async (): Promise<string> => {
      const demo = startDemo(root, ["--no-traffic", "--for", "50ms"]);
      assert.equal(await demo.ended, 0, demo.err());
      return /(\S+) % exposed/.exec(demo.out())?.[1] ?? demo.out();
    };
    assert.equal(await start(), "25");
    for (const percent of [60, 0]) {
      writeFileSync(join(root, "exposure.json"), String(percent));
      assert.equal(await start(), String(percent));
    }
  });

  test("a duration needs its unit", () => {
    assert.equal(parseDuration("2m"), 120_000);
    assert.equal(parseDuration("1.5s"), 1_500);
    assert.throws(() => parseDuration("120"), /a duration with its unit is needed/);
  });
});
