import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ConfigurationError, loadConfig } from "./config.ts";
import { convexVariables, envCommands, envFileText } from "./convexEnv.ts";
import { keySetUri, parseSigningKeys, signingKeysIn } from "./signingKey.ts";
import { privatePem } from "./testing/tokens.ts";

const SECRET = "a-secret-of-at-least-thirty-two-bytes";

function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "convex-env-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("the three variables come from the keys in the data directory, made if need be", (t) => {
  const dataDir = temporaryDir(t);
  const variables = convexVariables({ DATA_DIR: dataDir });
  assert.deepEqual(variables, {
    SWITCHYARD_ISSUER: "https://switchyard.invalid",
    SWITCHYARD_AUDIENCE: "switchyard",
    SWITCHYARD_JWKS: keySetUri(signingKeysIn(join(dataDir, "candidate"))),
  });
  assert.deepEqual(convexVariables({ DATA_DIR: dataDir }), variables);
});

test("what is given wins, and then nothing is made", (t) => {
  const dataDir = temporaryDir(t);
  const pem = privatePem();
  const given = { SWITCHYARD_ISSUER: "https://a.example/x", SWITCHYARD_AUDIENCE: "b", SWITCHYARD_SIGNING_KEY: pem };
  const variables = convexVariables({ DATA_DIR: dataDir, ...given });
  assert.equal(variables.SWITCHYARD_ISSUER, given.SWITCHYARD_ISSUER);
  assert.equal(variables.SWITCHYARD_AUDIENCE, given.SWITCHYARD_AUDIENCE);
  assert.equal(variables.SWITCHYARD_JWKS, keySetUri(parseSigningKeys(pem)));
  assert.ok(!JSON.stringify(variables).includes("PRIVATE"));
});

test("the lines give each variable back unchanged, to a file's reader and to a shell", (t) => {
  const variables = convexVariables({ DATA_DIR: temporaryDir(t) });
  const inFile = envFileText(variables)
    .trimEnd()
    .split("\n")
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  assert.deepEqual(Object.fromEntries(inFile), variables);
  if (process.platform === "win32") return;
  const script = `npx() { printf '%s\\n' "$#" "$1 $2 $3" "$4" "$5"; }\n${envCommands(variables)}`;
  const heard = execFileSync("sh", ["-c", script], { encoding: "utf8" }).trimEnd().split("\n");
  const expected = Object.entries(variables).flatMap(([name, value]) => ["5", "convex env set", name, value]);
  assert.deepEqual(heard, expected);
});

test("the script prints the commands, or one sentence and the code of a wrong configuration", (t) => {
  const script = fileURLToPath(new URL("../../scripts/convexEnv.mjs", import.meta.url));
  const run = (env: Record<string, string>) =>
    execFileSync(process.execPath, [script], {
      env: { PATH: process.env["PATH"], ...env },
      encoding: "utf8",
      stdio: "pipe",
    });
  const dataDir = temporaryDir(t);
  assert.equal(run({ DATA_DIR: dataDir }), envCommands(convexVariables({ DATA_DIR: dataDir })));
  assert.throws(
    () => run({ SWITCHYARD_SIGNING_KEY: "x", DATA_DIR: dataDir }),
    (error: any) => error.status === 3 && /^convex:env: SWITCHYARD_SIGNING_KEY .*no key in PEM\.\n$/.test(error.stderr),
  );
});

test("a deployment's address is taken without its last slash", () => {
  const urlOf = (given: string) => loadConfig({ JWT_SECRET_KEY: SECRET, CONVEX_URL: given }).convexUrl;
  for (const env of [{}, { CONVEX_URL: "" }]) {
    assert.throws(() => loadConfig({ JWT_SECRET_KEY: SECRET, ...env }), /CONVEX_URL must be set/);
  }
  assert.equal(urlOf("https://happy-animal-123.convex.cloud/"), "https://happy-animal-123.convex.cloud");
  assert.equal(urlOf("http://127.0.0.1:8004"), "http://127.0.0.1:8004");
});

test("wrong settings of the deployment are named, all of them", () => {
  const wrong = (env: Record<string, string>, sentence: RegExp) =>
    assert.throws(
      () => loadConfig({ JWT_SECRET_KEY: SECRET, ...env }),
      (error: unknown) => error instanceof ConfigurationError && sentence.test(error.message),
    );
  wrong({ CONVEX_URL: "127.0.0.1:8004" }, /CONVEX_URL must be an http or https URL/);
  wrong({ CONVEX_URL: "http://a.example?x=1" }, /CONVEX_URL must have no/);
  wrong({ CONVEX_URL: "http://me:secret@a.example" }, /CONVEX_URL must have no user/);
  wrong({ CONVEX_URL: "https://happy-animal-123.convex.site" }, /convex\.cloud/);
  wrong({ SWITCHYARD_ISSUER: "me", SWITCHYARD_AUDIENCE: "it's" }, /SWITCHYARD_ISSUER.*SWITCHYARD_AUDIENCE/);
  wrong({ SWITCHYARD_SIGNING_KEY: "x" }, /SWITCHYARD_SIGNING_KEY/);
});
