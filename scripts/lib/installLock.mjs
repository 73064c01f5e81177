// `npm start` in one terminal and `npm test` in another must not install into the same folders at once.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readText } from "./project.mjs";

const POLL_MS = 250;
const WAIT_MS = 15 * 60_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function tryTake(file) {
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  const owner = Number(readText(file));
  // A lock whose owner is gone was left by a killed install; an empty one is being written this moment.
  if (!(owner > 0) || isAlive(owner)) return false;
  rmSync(file, { force: true });
  return tryTake(file);
}

/** Runs `work` while holding the lock; waits for another install, saying so once. */
export async function withInstallLock(file, say, work) {
  mkdirSync(dirname(file), { recursive: true });
  const until = Date.now() + WAIT_MS;
  let hasSaid = false;
  while (!tryTake(file)) {
    if (Date.now() > until)
      throw new Error(`another install holds ${file} for 15 minutes; remove the file if it is stale`);
    if (!hasSaid) say(`waiting for another install to finish (process ${readText(file)?.trim() ?? "just ended"})`);
    hasSaid = true;
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
