import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { text } from "node:stream/consumers";
import { keySetUri, parseSigningKeys, SigningKeyError, signingKeysIn } from "./signingKey.ts";
import { privatePem } from "./testing/tokens.ts";

function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "signing-key-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("the first of two keys signs, both are published without their private part", () => {
  const [first, second] = [privatePem(), privatePem()];
  const keys = parseSigningKeys(`${first}\n${second}`);
  assert.equal(keys.published.length, 2);
  assert.equal(keys.kid, keys.published[0]?.kid);
  assert.notEqual(keys.kid, keys.published[1]?.kid);
  for (const [i, pem] of [first, second].entries()) {
    const { x, y } = createPublicKey(pem).export({ format: "jwk" });
    const kid = createHash("sha256").update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest("base64url");
    assert.deepEqual(keys.published[i], { kty: "EC", crv: "P-256", x, y, kid, alg: "ES256", use: "sig" });
  }
});

test("the key set is an address that fetch reads", async () => {
  const keys = parseSigningKeys(privatePem() + privatePem());
  const uri = keySetUri(keys);
  assert.match(uri, /^data:text\/plain;charset=utf-8;base64,[A-Za-z0-9+/=]+$/);
  assert.deepEqual(await (await fetch(uri)).json(), { keys: keys.published });
});

test("one key is enough, the public half of the next one too, and line ends may be escaped", () => {
  const [first, second] = [privatePem(), privatePem()];
  const nextPublic = createPublicKey(second).export({ type: "spki", format: "pem" }).toString();
  const whole = parseSigningKeys(first + second);
  assert.deepEqual(parseSigningKeys(first).published, whole.published.slice(0, 1));
  assert.deepEqual(parseSigningKeys(first + nextPublic).published, whole.published);
  assert.deepEqual(parseSigningKeys((first + second).replaceAll("\n", "\\n")).published, whole.published);
  const sec1 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "sec1", format: "pem" });
  assert.equal(parseSigningKeys(sec1.toString()).published.length, 1);
});

test("what is no P-256 key is refused in words that quote nothing of it", () => {
  const secret = "c2VjcmV0LW9mLXRoZS1vcGVyYXRvcg==";
  const publicPem = createPublicKey(privatePem()).export({ type: "spki", format: "pem" }).toString();
  const other = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export({ type: "pkcs8", format: "pem" });
  const ed = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
  const cases: [string, RegExp][] = [
    ["", /no key/],
    [secret, /no key/],
    [`-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`, /first key/],
    [publicPem, /must be private/],
    [other.toString(), /P-256/],
    [ed.toString(), /P-256/],
    [privatePem() + other.toString(), /P-256/],
    [privatePem() + privatePem() + privatePem(), /at most 2/],
  ];
  for (const [pem, sentence] of cases) {
    assert.throws(
      () => parseSigningKeys(pem),
      (error: unknown) => {
        assert.ok(error instanceof SigningKeyError);
        assert.match(error.message, sentence);
        assert.ok(!error.message.includes(secret));
        return true;
      },
    );
  }
});

test("keys are made at first start, for the owner alone, and kept", (t) => {
  const dir = join(temporaryDir(t), "data", "convex");
  const made = signingKeysIn(dir);
  assert.equal(made.published.length, 2);
  assert.deepEqual(readdirSync(dir), ["signingKeys.pem"]);
  const file = join(dir, "signingKeys.pem");
  if (process.platform !== "win32") assert.equal(statSync(file).mode & 0o777, 0o600);
  const stored = readFileSync(file, "utf8");
  assert.deepEqual(signingKeysIn(dir).published, made.published);
  assert.equal(readFileSync(file, "utf8"), stored);
});

test("a damaged file is named and never replaced", (t) => {
  const dir = temporaryDir(t);
  const file = join(dir, "signingKeys.pem");
  writeFileSync(file, "-----BEGIN");
  assert.throws(
    () => signingKeysIn(dir),
    (error: unknown) => error instanceof SigningKeyError && error.message.startsWith(file),
  );
  assert.equal(readFileSync(file, "utf8"), "-----BEGIN");
});

test("processes that start at once go on with the same keys", async (t) => {
  const dir = join(temporaryDir(t), "convex");
  const program = `
    const { signingKeysIn } = await import(${JSON.stringify(new URL("./signingKey.ts", import.meta.url).href)});
    process.stdout.write(signingKeysIn(${JSON.stringify(dir)}).kid);`;
  const children = Array.from({ length: 4 }, () => spawn(process.execPath, ["--input-type=module", "-e", program]));
  const kids = await Promise.all(children.map((child) => text(child.stdout)));
  assert.equal(new Set(kids).size, 1);
  assert.equal(kids[0], signingKeysIn(dir).kid);
  assert.deepEqual(readdirSync(dir), ["signingKeys.pem"]);
});
