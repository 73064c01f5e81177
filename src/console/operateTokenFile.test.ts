import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ensureOperateToken } from "./operateTokenFile.ts";

async function folder(t: TestContext): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "switchyard-token-"));
  t.after(() => rm(base, { recursive: true, force: true }));
  return join(base, "state");
}

test("files are private: the token is 0600 in a folder 0700, also where the folder was open", async (t) => {
  const stateDir = await folder(t);
  await ensureOperateToken(stateDir);
  await chmod(stateDir, 0o755);
  const { token, file } = await ensureOperateToken(stateDir);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(stateDir)).mode & 0o777, 0o700);
  assert.equal(await readFile(file, "utf8"), `${token}\n`);
  assert.ok(Buffer.byteLength(token) >= 32);
});

test("a restart keeps the token", async (t) => {
  const stateDir = await folder(t);
  const first = await ensureOperateToken(stateDir);
  assert.equal((await ensureOperateToken(stateDir)).token, first.token);
});

test("a token that others could read, or that is too short, is replaced", async (t) => {
  const stateDir = await folder(t);
  const { token, file } = await ensureOperateToken(stateDir);
  await chmod(file, 0o644);
  const second = await ensureOperateToken(stateDir);
  assert.notEqual(second.token, token);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await writeFile(file, "short\n");
  assert.ok((await ensureOperateToken(stateDir)).token.length >= 32);
});
