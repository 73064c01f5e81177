import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readOrMakeSecret } from "./secretFile.ts";

const folder = mkdtempSync(join(tmpdir(), "secret-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a secret is made once, for its owner only, and found again", () => {
  const file = join(folder, "demo", "jwt.secret");
  const made = readOrMakeSecret(file, undefined);
  assert.equal(Buffer.from(made, "base64url").length, 48);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readOrMakeSecret(file, undefined), made);
});

test("one from the environment wins and is not written anywhere", () => {
  const file = join(folder, "other", "jwt.secret");
  assert.equal(readOrMakeSecret(file, "given"), "given");
  assert.throws(() => statSync(file), /ENOENT/);
});

test("a file that lost its content is replaced", () => {
  const file = join(folder, "jwt.secret");
  writeFileSync(file, "short\n", { mode: 0o644 });
  assert.ok(readOrMakeSecret(file, undefined).length >= 32);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});
