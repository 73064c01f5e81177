import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { createProcessLock, DirectoryInUse } from "./processLock.ts";
import { makeTempDir } from "./testing/tempStore.ts";

const holder = `
  import { createProcessLock } from ${JSON.stringify(new URL("./processLock.ts", import.meta.url).href)};
  try {
    createProcessLock(process.argv[1]);
    console.log("held");
    setInterval(() => undefined, 1_000);
  } catch (error) {
    console.log(error.name);
  }`;

async function startHolder(t: TestContext, directory: string) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", holder, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: said.toString().trim() };
}

test("a second start in the same process is refused, and says which directory is in use", (t) => {
  const directory = makeTempDir(t);
  const lock = createProcessLock(directory);
  assert.throws(
    () => createProcessLock(directory),
    (error) => error instanceof DirectoryInUse && error.directory === directory && error.message.includes(directory),
  );
  lock.release();
  lock.release();
  createProcessLock(directory).release();
});

test("two directories do not hinder each other", (t) => {
  const locks = [makeTempDir(t), makeTempDir(t)].map((directory) => createProcessLock(directory));
  for (const lock of locks) lock.release();
});

test("another process is refused while this one runs, and not afterwards", async (t) => {
  const directory = makeTempDir(t);
  const lock = createProcessLock(directory);
  assert.equal((await startHolder(t, directory)).said, "DirectoryInUse");
  lock.release();
  assert.equal((await startHolder(t, directory)).said, "held");
});

test("a SIGKILL gives the directory back", async (t) => {
  const directory = makeTempDir(t);
  const { child, said } = await startHolder(t, directory);
  assert.equal(said, "held");
  assert.throws(() => createProcessLock(directory), DirectoryInUse);
  child.kill("SIGKILL");
  await once(child, "exit");
  createProcessLock(directory).release();
});

test("a directory that is not there is another error", (t) => {
  assert.throws(
    () => createProcessLock(`${makeTempDir(t)}/missing`),
    (error) => error instanceof Error && !(error instanceof DirectoryInUse),
  );
});
