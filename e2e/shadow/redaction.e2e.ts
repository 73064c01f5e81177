// shadow §17 row 17: what users wrote and who they are is in nothing that leaves the compare thread.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { call, createIssuer, eventually, REPOSITORY, signHs256, TEST_SECRET } from "../support/index.ts";
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

test("60 secrets and personal values: none in store, log, metrics, reports or on the command line", async () => {
  const own = await startNotesWorld({ defect: "version-as-text" });
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
  planted.push(TEST_SECRET, SHADOW_SECRET);
  await eventually(async () => {
    const { text } = await call(proxy.adminUrl, { method: "GET", path: "/metrics" });
    assert.match(text, /comparisons_total\{[^}]*verdict="different"\} 30/);
  }, 15_000);
  // A checkpoint behind the last one.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
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
  const config = join(stateDir, "switchyard.config.yaml");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: process.env["HOME"] ?? "/",
    JWT_SECRET_KEY: TEST_SECRET,
    SHADOW_JWT_SECRET: SHADOW_SECRET,
    SWITCHYARD__STATE_DIR: stateDir,
  };
  const commands = ["md", "html", "json", "junit"].map((format) => ["report", "--format", format]);
  for (const words of [...commands, ["show"], ["show", "1"]]) {
    const args = [join(REPOSITORY, "src/main.ts"), "shadow", ...words, "--config", config];
    const { stdout, stderr } = await run(process.execPath, args, { env }).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    assert.ok(stdout.length > 100, `${words.join(" ")}: ${stdout}${stderr}`);
    outputs.set(words.join(" "), stdout + stderr);
  }
  assert.match(outputs.get("show 1") ?? "", /version/, "the family is shown");
  for (const [name, output] of outputs) {
    const found = planted.filter((secret) => output.includes(secret));
    assert.deepEqual(found, [], `in ${name}`);
  }
});
