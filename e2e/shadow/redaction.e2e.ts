// shadow §17 row 17: what users wrote and who they are is in nothing that leaves the compare thread.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { call, createIssuer, eventually, REPOSITORY, signHs256, TEST_SECRET } from "../support/index.ts";
import { readEvidence } from "../../src/shadow/index.ts";
import { familiesIn } from "../support/shadowSight.ts";
import { type NotesWorld, SHADOW_SECRET, startNotesWorld } from "./notesWorld.ts";

const run = promisify(execFile);
let world: NotesWorld | null = null;
after(async () => world?.stop());

const word = (): string => randomBytes(6).toString("hex");

/** Sixty, of every look that a secret or a person's data has. */
function secrets(): readonly string[] {
  const kinds: readonly (() => string)[] = [
    () => `${word()}@example.org`,
    () => signHs256(TEST_SECRET, { sub: word(), name: word() }),
    () => `+49 151 ${String(Math.floor(Math.random() * 1e8)).padStart(8, "0")}`,
    () => `4111 1111 ${Math.floor(Math.random() * 9_000 + 1_000)} ${Math.floor(Math.random() * 9_000 + 1_000)}`,
    () => `Anna ${word()}`,
    () => `sk-${createHmac("sha256", word()).update("x").digest("hex")}`,
    () => `my password is ${word()}`,
    () => `I have told nobody of ${word()} and ${word()}`,
    () => `${word().toUpperCase()}-${word()}`,
    () => `https://example.org/reset?token=${word()}`,
  ];
  return Array.from({ length: 60 }, (_, at) => (kinds[at % kinds.length] as () => string)());
}

const BODY_KEY = randomBytes(32);

/** A route of which values are kept, too (shadow P2). */
const withBodies = (text: string): string =>
  text.replace(
    "shadow:\n",
    "shadow:\n  bodyKeyEnv: SHADOW_BODY_KEY\n  routes: [{ route: POST /notes, bodies: redacted }]\n",
  );

const PLACES = "none in store, log, metrics, reports or on the command line";
for (const [name, config] of [
  ["shapes only", (text: string) => text],
  ["one route with redacted bodies", withBodies],
] as const) {
  test(`60 secrets and personal values, ${name}: ${PLACES}`, () => findNothing(config));
}

async function findNothing(config: (text: string) => string): Promise<void> {
  const areBodiesKept = config === withBodies;
  const bodyKey = { SHADOW_BODY_KEY: BODY_KEY.toString("base64") };
  const own = await startNotesWorld({ defect: "version-as-text", config, env: bodyKey });
  world = own;
  const issuer = createIssuer(TEST_SECRET);
  const written = secrets();
  const planted = [...written];
  const { proxy, stateDir } = own;
  for (let at = 0; at < written.length; at += 2) {
    const user = issuer.user();
    const [title, text] = [written[at] as string, written[at + 1] as string];
    const headers = {
      authorization: `Bearer ${user.token}`,
      "content-type": "application/json",
      cookie: `session=${encodeURIComponent(text)}`,
      "x-refresh-token": title.replace(/[^\x21-\x7e]/g, ""),
    };
    const path = `/notes?token=${encodeURIComponent(title)}`;
    const made = await call(proxy.baseUrl, { method: "POST", path, headers, body: JSON.stringify({ title, text }) });
    assert.equal(made.status, 201);
    planted.push(user.token, user.sub, user.email);
  }
  planted.push(
    TEST_SECRET,
    SHADOW_SECRET,
    bodyKey.SHADOW_BODY_KEY,
    BODY_KEY.toString("hex"),
    BODY_KEY.toString("latin1"),
  );
  await eventually(async () => {
    const { text } = await call(proxy.adminUrl, { method: "GET", path: "/metrics" });
    assert.match(text, /comparisons_total\{[^}]*verdict="different"\} 30/);
  }, 15_000);
  // The checkpoint behind the last one: samples are stored together with the counts of their family.
  await eventually(() => {
    const stored = familiesIn(join(stateDir, "shadow-0.sqlite3"));
    assert.equal(stored.find(({ template }) => template === "$.version")?.differing, 30);
  }, 15_000);
  const outputs = new Map<string, string>();
  for (const file of readdirSync(stateDir).filter((name) => name.startsWith("shadow-"))) {
    outputs.set(file, readFileSync(join(stateDir, file), "latin1"));
  }
  assert.ok(outputs.size > 0, "there is a store");
  outputs.set("metrics", (await call(proxy.adminUrl, { method: "GET", path: "/metrics" })).text);
  outputs.set(
    "log",
    proxy
      .logLines()
      .map((line) => JSON.stringify(line))
      .join("\n"),
  );
  const file = join(stateDir, "switchyard.config.yaml");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: process.env["HOME"] ?? "/",
    JWT_SECRET_KEY: TEST_SECRET,
    SHADOW_JWT_SECRET: SHADOW_SECRET,
    SWITCHYARD__STATE_DIR: stateDir,
    ...bodyKey,
  };
  const commands = ["md", "html", "json", "junit"].map((format) => ["report", "--format", format]);
  for (const words of [...commands, ["show"], ["show", "1"]]) {
    const args = [join(REPOSITORY, "src/main.ts"), "shadow", ...words, "--config", file];
    const { stdout, stderr } = await run(process.execPath, args, { env }).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    assert.ok(stdout.length > 100, `${words.join(" ")}: ${stdout}${stderr}`);
    outputs.set(words.join(" "), stdout + stderr);
  }
  assert.match(outputs.get("show 1") ?? "", /version/, "the family is shown");
  assert.equal(/\$\.version +1 → "1"/.test(outputs.get("show 1") ?? ""), areBodiesKept, "values that may be shown are");
  const opened = await openedBodies(stateDir);
  assert.equal(/"kept".*"title":/.test(opened), areBodiesKept);
  outputs.set("bodies, opened", opened);
  for (const [name, output] of outputs) {
    const found = planted.filter((secret) => output.includes(secret));
    assert.deepEqual(found, [], `in ${name}`);
  }
  world = null;
  await own.stop();
}

/** All that whoever has the key can read. */
async function openedBodies(stateDir: string): Promise<string> {
  const evidence = readEvidence(stateDir, BODY_KEY);
  const found: string[] = [];
  for (const { id } of await evidence.campaigns()) {
    for (const family of await evidence.families(id)) {
      for (const sample of await evidence.samples(id, family.name)) {
        found.push(JSON.stringify(await evidence.bodies(id, sample)));
      }
    }
  }
  await evidence.close();
  return found.join("\n");
}
