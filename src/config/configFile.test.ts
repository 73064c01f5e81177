import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig, type LoadOptions, parseConfig } from "./configFile.ts";
import { explainEffective } from "./effective.ts";
import { SOUND } from "./faults.cases.ts";
import { ConfigProblems } from "./problems.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const sound = (...added: string[]): string => [...SOUND, ...added].join("\n");
const parse = (text: string, more: Partial<LoadOptions> = {}) =>
  parseConfig(text, { file: "c.yaml", env: { JWT_SECRET_KEY: SECRET, ...more.env }, overrides: more.overrides ?? {} });

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigProblems) return error.message;
    throw error;
  }
  return assert.fail("expected problems");
}

test("a flag beats a variable, a variable beats the file, the file beats the default", () => {
  const env = { SWITCHYARD__WORKERS: "3", SWITCHYARD__LIMITS__HEAD_TIME: "4s" };
  const file = sound("workers: 2", "drain: { delay: 1s }");
  const { config, effective } = parse(file, {
    env,
    overrides: { workers: 4, "arms.control.url": "http://127.0.0.1:9" },
  });
  const origins = new Map(effective.map((leaf) => [leaf.path, `${leaf.value} ${leaf.origin}`]));
  assert.deepEqual(
    [config.workers, config.limits.headMs, config.drain.delayMs, config.arms.control.urls],
    [4, 4_000, 1_000, ["http://127.0.0.1:9"]],
  );
  assert.equal(origins.get("workers"), "4 flag");
  assert.equal(origins.get("limits.headTime"), "4s env SWITCHYARD__LIMITS__HEAD_TIME");
  assert.equal(origins.get("drain.delay"), "1s c.yaml:19");
  assert.equal(origins.get("drain.exchanges"), "25s default");
  assert.equal(origins.get("publicOrigin"), "– default");
});

test("a variable can hold a list and reach into a unit", () => {
  const env = {
    SWITCHYARD__CORS__ORIGINS: "http://a.example, https://b.example",
    SWITCHYARD__UNITS__TUTORING__FLAG: "mine",
  };
  const { config } = parse(sound(), { env });
  assert.deepEqual(config.cors.origins, ["http://a.example", "https://b.example"]);
  assert.equal(config.units.get("tutoring")?.flag, "mine");
});

test("names with a single underscore are no settings", () => {
  const { config } = parse(sound(), { env: { SWITCHYARD_FORCE_CONTROL: "1", SWITCHYARD_TOKEN: "x" } });
  assert.equal(config.workers, 1);
});

test("what a section leaves open comes from another", () => {
  const text = sound(
    "      - { match: POST /up, kind: upload }",
    "stateDir: state",
    "limits: { armFirstByte: 7s, messages: 9/s }",
  );
  const { config } = parse(text);
  const [call, socket, upload] = config.units.get("tutoring")?.routes ?? [];
  assert.deepEqual([call?.firstByteMs, upload?.firstByteMs], [7_000, 180_000]);
  assert.deepEqual([call?.messagesPerSecond, socket?.messagesPerSecond], [9, 120]);
  assert.equal(config.flags.file, join("state", "flags.json"));
  assert.equal(config.units.get("tutoring")?.flag, "switchyard.tutoring");
});

test("verifies upstream certificates by default", () => {
  const https = sound().replace("http://127.0.0.1:8002", "https://candidate.example");
  assert.equal(parse(https).config.arms.candidate.tls.isVerified, true);
  const without = parse(https.replace("convex", "convex\n    tls: { verify: false }"));
  assert.equal(without.config.arms.candidate.tls.isVerified, false);
  assert.deepEqual(
    without.warnings.map((one) => `${one.line}:${one.col} ${one.path} ${one.what}`),
    ["8:20 arms.candidate.tls.verify certificates are not checked"],
  );
});

test("refuses weak keys at start", () => {
  const message = messageOf(() => parse(sound(), { env: { JWT_SECRET_KEY: SECRET.slice(1) } }));
  assert.match(message, /JWT_SECRET_KEY holds 31 bytes/);
  assert.doesNotMatch(message, new RegExp(SECRET.slice(1)));
});

test("refuses to start with the lenient parser", () => {
  const options = { file: "c.yaml", env: { JWT_SECRET_KEY: SECRET } };
  const message = messageOf(() => parseConfig(sound(), { ...options, nodeFlags: ["--insecure-http-parser"] }));
  assert.match(message, /^ {2}flag +\(file\) +the lenient HTTP parser is on$/m);
});

test("an open admin port does not start", () => {
  assert.match(
    messageOf(() => parse(sound("admin: { listen: 0.0.0.0:9901, viewTokenEnv: JWT_SECRET_KEY }"))),
    /18:18 +admin\.listen/,
  );
  const env = { OPERATE: "o".repeat(32) };
  assert.equal(
    parse(sound("admin: { listen: 0.0.0.0:9901, operateTokenEnv: OPERATE }"), { env }).config.admin.operateToken,
    env.OPERATE,
  );
});

test("secrets are masked everywhere", () => {
  const { effective } = parse(sound("admin: { operateTokenEnv: OPERATE }"), { env: { OPERATE: "o".repeat(40) } });
  const shown = explainEffective(effective);
  assert.match(shown, /identity\.jwt\.secret +\*{8} +env JWT_SECRET_KEY/);
  assert.match(shown, /admin\.operateToken +\*{8} +env OPERATE/);
  assert.doesNotMatch(shown, new RegExp(`${SECRET}|o{32}`));
});

test("a secret can stand in a file, without its last line break", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "secret");
  writeFileSync(path, `${SECRET}\n`);
  const text = sound().replace("secretEnv: JWT_SECRET_KEY", `secretFile: ${path}`);
  assert.equal(parse(text).config.identity.jwt.secret, SECRET);
  rmSync(path);
  assert.match(
    messageOf(() => parse(text)),
    /12:17 +identity\.jwt\.secretFile +.* cannot be read \(ENOENT\)/,
  );
});

test("a key of bodies may be written as base64 or hex, and is never told", () => {
  const key = Buffer.alloc(32, 0xab);
  const text = sound("shadow: { bodyKeyEnv: BODY_KEY }");
  for (const written of [key.toString("hex"), key.toString("hex").toUpperCase(), key.toString("base64")]) {
    const { config, effective } = parse(text, { env: { BODY_KEY: written } });
    assert.equal(config.shadow?.bodyKey, key.toString("hex"));
    const shown = explainEffective(effective);
    assert.match(shown, /shadow\.bodyKey +\*{8} +env BODY_KEY/);
    assert.ok(!shown.includes(written) && !shown.includes(key.toString("hex")));
  }
});

test("nothing of a configuration can be changed afterwards", () => {
  const { config } = parse(sound());
  const open = config as unknown as {
    workers: number;
    units: Map<string, unknown>;
    arms: { control: { urls: string[] } };
  };
  assert.throws(() => (open.workers = 2), TypeError);
  assert.throws(() => open.arms.control.urls.push("http://evil.example"), TypeError);
  assert.throws(() => open.units.set("x", {}), TypeError);
  assert.throws(() => open.units.clear(), TypeError);
});

test("one slip hides no other: every problem is found at once, sorted by line", () => {
  const text = sound(
    "      - get /z",
    "      - GET /a/:x",
    "  other: { routes: ['* /a/**'], flagg: x }",
    "workers: many",
    "limits: { headTime: 10, socketsPerSubject: 3 }",
    "admin: { listen: 0.0.0.0:9901 }",
  ).replace("listen: 127.0.0.1:8000", "listen: 0.0.0.0:8000");
  const found = messageOf(() => parse(text, { env: { SWITCHYARD__DRAIN__DELAY: "5" } })).split("\n");
  const places = found.slice(1).map((line) => line.trim().split(/\s+/).slice(0, 2).join(" "));
  assert.deepEqual(
    places.filter((place) => /^(?:\d+:\d+|SWITCHYARD\S*) /.test(place)),
    [
      "1:9 listen",
      "18:9 units.tutoring.routes[2]",
      "19:9 units.tutoring.routes[3]",
      "20:21 units.other.routes[0]",
      "20:33 units.other.flagg",
      "21:10 workers",
      "22:21 limits.headTime",
      "23:18 admin.listen",
      "SWITCHYARD__DRAIN__DELAY drain.delay",
    ],
  );
});

test("a file that is not there is said to be that", () => {
  assert.match(
    messageOf(() => loadConfig({ file: "/nowhere/c.yaml", env: {} })),
    /cannot be read \(ENOENT\)/,
  );
});
